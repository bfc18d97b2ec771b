"""A room's line to other nodes: nobody is let in before they have said who is there, if they are in reach."""

from __future__ import annotations

from typing import Any

from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.routing.census_mail import FarNews
from arqonbus.routing.room_nodes import RoomNodes
from arqonbus.storage.cluster import LineUp, NodeTold
from arqonbus.storage.memory_cluster import MemoryHub


class Ctx:
    def __init__(self) -> None:
        self.manual = ManualDispatcher()
        self.probe: Probe[Any] = Probe(ActorSystem(self.manual.dispatcher))
        self.ref = self.probe.ref
        self.asked: list[str] = []

    def hold(self) -> None:
        self.asked.append("hold")

    def release(self) -> None:
        self.asked.append("release")

    def after(self, delay_s: float, mail: Any) -> None:
        self.asked.append("after")

    def mails(self) -> list[Any]:
        self.manual.run_until_idle()
        return self.probe.take()


def test_a_room_holds_until_all_have_answered() -> None:
    hub, ctx = MemoryHub(), Ctx()
    nodes = RoomNodes(hub.node("n0"), "r", "life", 5, ctx)  # type: ignore[arg-type]
    assert ctx.asked[0] == "hold" and nodes.is_waiting
    assert ctx.mails() == [LineUp()]

    nodes.handle(LineUp(), ctx)  # type: ignore[arg-type]
    assert NodeTold(1) in ctx.mails()
    assert nodes.handle(NodeTold(1), ctx) == [FarNews("")]  # type: ignore[arg-type]
    assert ctx.asked[-1] == "release" and not nodes.is_waiting
    nodes.close()


def test_a_room_without_reach_holds_nobody() -> None:
    hub, ctx = MemoryHub(), Ctx()
    cluster = hub.node("n0")
    hub.cut("n0")
    nodes = RoomNodes(cluster, "r", "life", 5, ctx)  # type: ignore[arg-type]

    assert ctx.asked == []
    assert not nodes.is_waiting
    assert nodes.census.is_partial

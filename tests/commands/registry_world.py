"""A registry with real rooms, a view of the test's choice, and clients that are probes instead of sessions."""

from __future__ import annotations

from random import Random
from typing import Any

from msgspec import Raw, json

from arqonbus.actor import ActorSystem, Bounds, Directive, Props, Ref, Strategy
from arqonbus.actor.supervision import always
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.commands.clients import ClientsSetup
from arqonbus.commands.registry import Predefined, Registry, RegistrySetup
from arqonbus.protocol.payloads import ChannelOptions
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.channel import ChannelSetup
from arqonbus.routing.mail import Opened, Request
from arqonbus.routing.recovery import ReplayCap
from arqonbus.routing.room import RoomSetup
from arqonbus.security.gate import Gate, Identity
from arqonbus.storage.memory import MemoryHistory
from tests.commands.calls import NOW, client_card, view

__all__ = ["RegistryWorld", "Spy"]

OPTIONS = ChannelOptions(
    history_limit=10, history_ttl_s=60.0, history_bytes=1000, durable=False, presence=False, persistent=False
)


class Spy(Gate):
    """Lets all pass, and writes down what it was asked."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        self.asked: list[tuple[Any, str | None, str | None]] = []

    def authorize(self, identity: Identity, action: Any, room: str | None, channel: str | None) -> None:
        self.asked.append((action, room, channel))


class RegistryWorld:
    """``run(command)`` gives the mails that the client got for it."""

    def __init__(self, gate: Gate | None = None, max_rooms: int = 10, predefined: tuple[Predefined, ...] = ()) -> None:
        self.manual = ManualDispatcher()
        self.system = ActorSystem(self.manual.dispatcher)
        self.clock_fails = False
        self.view = view(gate=gate)
        self.history = MemoryHistory(100_000, 3600.0, self.manual.clock.time, lambda: "epoch")
        bounds = Bounds(items=100, low=50)
        channel = ChannelSetup(
            history=self.history,
            counters=self.view.counters,
            timestamp=self._timestamp,
            idle_s=60.0,
            page_bytes=10_000,
            replay=ReplayCap(100, 100_000),
            presence_max=200,
        )
        room = RoomSetup(channel=channel, channel_bounds=bounds, max_channels=10, defaults=OPTIONS, auto_create=True)
        setup = RegistrySetup(
            room=room,
            room_bounds=bounds,
            max_rooms=max_rooms,
            clients=ClientsSetup(max_private_bytes=100_000, max_away=10, random=Random(1)),
            predefined=predefined,
        )
        strategy = Strategy(always(Directive.RESUME))
        props: Props[Any] = Props(lambda: Registry(setup, self.view))
        self.registry: Ref[Any] = self.system.spawn(props, "registry", strategy)
        self.client, self.card = self.connect("c-1")

    def _timestamp(self) -> str:
        if self.clock_fails:
            raise OSError("no time")
        return NOW

    def connect(self, client: str) -> tuple[Probe[Any], ClientCard]:
        probe: Probe[Any] = Probe(self.system, client)
        card = client_card(client, probe.ref)
        self.registry.signal(Opened(card))
        self.manual.run_until_idle()
        return probe, card

    def tell(self, mail: Any) -> list[Any]:
        self.registry.tell(mail)
        self.manual.run_until_idle()
        return self.client.take()

    def run(self, command: str, **args: Any) -> list[Any]:
        return self.tell(Request(self.card, "k1", command, Raw(json.encode(args)), ()))

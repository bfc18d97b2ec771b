"""What every Cluster promises. A class of tests has a fixture ``nodes`` that gives two of them, and ``settle``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from arqonbus.storage.cluster import (
    Cluster,
    ForClient,
    ForNode,
    Heard,
    LineHeard,
    LineUp,
    NodeTold,
    RoomSaid,
    SecretKnown,
)

__all__ = ["ClusterContract", "Listening"]

Settle = Callable[[Callable[[], Any]], Awaitable[None]]


class Listening:
    """A node, and what it was told."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.heard: list[Heard] = []
        cluster.attach(self.heard.append)

    def of(self, kind: type) -> list[Any]:
        return [heard for heard in self.heard if isinstance(heard, kind)]


class ClusterContract:
    async def test_a_letter_reaches_a_client_wherever_it_is(
        self, nodes: tuple[Listening, Listening], settle: Settle
    ) -> None:
        one, two = nodes
        one.cluster.enter("c-here")
        two.cluster.enter("c-there")
        two.cluster.enter("c-there")
        await settle(lambda: True)

        told = await one.cluster.send(["c-there", "c-here", "c-none"], [b"1", b"2", b"3"])
        assert list(told) == ["delivered", "delivered", "absent"]
        await settle(lambda: two.of(ForClient) == [ForClient("c-there", b"1")])
        await settle(lambda: one.of(ForClient) == [ForClient("c-here", b"2")])

    async def test_letters_to_one_client_keep_their_order(
        self, nodes: tuple[Listening, Listening], settle: Settle
    ) -> None:
        one, two = nodes
        two.cluster.enter("c-1")
        await settle(lambda: True)
        sent = [one.cluster.send(["c-1"], [b"%d" % n]) for n in range(100)]
        for outcome in sent:
            await outcome

        await settle(lambda: [heard.data for heard in two.of(ForClient)] == [b"%d" % n for n in range(100)])

    async def test_a_client_that_left_is_absent(self, nodes: tuple[Listening, Listening], settle: Settle) -> None:
        one, two = nodes
        two.cluster.enter("c-1")
        await settle(lambda: True)
        two.cluster.leave("c-1")
        two.cluster.leave("c-1")
        await settle(lambda: True)

        assert list(await one.cluster.send(["c-1"], [b"x"])) == ["absent"]

    async def test_a_letter_goes_to_one_node_or_to_all_others(
        self, nodes: tuple[Listening, Listening], settle: Settle
    ) -> None:
        one, two = nodes
        one.cluster.tell(two.cluster.node, b"to you")
        one.cluster.tell(None, b"to all")
        two.cluster.tell("nobody", b"lost")

        await settle(lambda: sorted(heard.data for heard in two.of(ForNode)) == [b"to all", b"to you"])
        assert {heard.sender for heard in two.of(ForNode)} == {one.cluster.node}
        assert one.of(ForNode) == []

    async def test_nodes_know_each_other_and_one_secret(
        self, nodes: tuple[Listening, Listening], settle: Settle
    ) -> None:
        one, two = nodes
        names = {one.cluster.node, two.cluster.node}

        await settle(lambda: set(one.cluster.living) == set(two.cluster.living) == names)
        await settle(lambda: one.of(SecretKnown) != [] and two.of(SecretKnown) != [])
        assert one.of(SecretKnown)[-1] == two.of(SecretKnown)[-1]
        assert len(one.of(SecretKnown)[-1].secret) == 32

    async def test_what_is_said_of_a_room_is_heard_where_it_lives(
        self, nodes: tuple[Listening, Listening], settle: Settle
    ) -> None:
        one, two = nodes
        here: list[LineHeard] = []
        there: list[LineHeard] = []
        line = one.cluster.follow("r", here.append)
        other = two.cluster.follow("r", there.append)
        await settle(lambda: here == there == [LineUp()])
        line.say(b"1", counts=True)

        await settle(lambda: there == [LineUp(), RoomSaid(b"1")])
        await settle(lambda: sorted(here, key=repr) == [LineUp(), NodeTold(2), RoomSaid(b"1")])
        other.close()
        other.close()
        await settle(lambda: True)
        line.say(b"2", counts=True)
        await settle(lambda: here[-1] == RoomSaid(b"2") or NodeTold(1) in here)
        assert there == [LineUp(), RoomSaid(b"1")]
        line.close()

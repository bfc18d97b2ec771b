"""The members of other nodes, from what these tell."""

from __future__ import annotations

from typing import Any

from arqonbus.protocol.payloads import MemberInfo, Profile
from arqonbus.routing.census_letters import Delta, Full, Told
from arqonbus.routing.other_nodes import Changes, OtherNodes


def row(client: str) -> MemberInfo:
    return MemberInfo(client, None, Profile(), "2026-11-21T19:00:00.000Z")


class Stage:
    def __init__(self) -> None:
        self.others = OtherNodes()
        self.changes = Changes()

    def delta(self, node: str, number: int, *told: Told, life: str = "l") -> bool:
        return self.others.take_delta(Delta(node, life, number, told), self.changes)

    def full(self, node: str, number: int, *told: Told, life: str = "l") -> None:
        self.others.take_full(Full(node, life, number, told), self.changes)

    def take(self, channel: str = "c") -> tuple[set[str], dict[str, Any], set[str]]:
        """Who joined, left, was dropped since the last take."""
        change = self.changes.of(channel)
        self.changes = Changes()
        return set(change.joined), change.left, change.dropped

    @property
    def clients(self) -> set[str]:
        return {one.client for one in self.others.rows("c")}


def test_deltas_that_follow_each_other_are_taken() -> None:
    stage = Stage()

    assert stage.delta("a", 1, Told("c", (row("1"), row("2"))))
    assert stage.take() == ({"1", "2"}, {}, set())
    assert stage.delta("a", 2, Told("c", (row("3"),), (("1", "left"),)))
    assert stage.take() == ({"3"}, {"1": "left"}, set())
    assert stage.clients == {"2", "3"}


def test_a_delta_that_misses_one_before_it_is_not_taken() -> None:
    stage = Stage()
    stage.delta("a", 1, Told("c", (row("1"),)))

    assert not stage.delta("a", 3, Told("c", (row("3"),)))
    assert not stage.delta("b", 2, Told("c", (row("4"),)))
    assert stage.delta("a", 1, Told("c", (row("9"),)))  # it came before
    assert stage.clients == {"1"}


def test_all_that_a_node_has_takes_the_place_of_what_it_had() -> None:
    stage = Stage()
    stage.delta("a", 1, Told("c", (row("1"), row("2"))), Told("d", (row("1"),)))
    stage.take()
    stage.full("a", 5, Told("c", (row("2"), row("3"))))

    change = stage.changes
    assert (set(change.of("c").joined), change.of("c").left) == ({"3"}, {"1": "lost"})
    assert change.of("d").left == {"1": "lost"}
    assert stage.delta("a", 6, Told("c", (row("4"),)))


def test_what_was_overtaken_by_a_delta_is_old() -> None:
    stage = Stage()
    stage.delta("a", 1, Told("c", (row("1"),)))
    stage.delta("a", 2, Told("c", (row("2"),)))
    stage.full("a", 1, Told("c", (row("1"),)))

    assert stage.clients == {"1", "2"}


def test_a_room_that_began_anew_on_a_node_begins_anew_here() -> None:
    stage = Stage()
    stage.delta("a", 1, Told("c", (row("1"),)))
    stage.take()

    assert stage.delta("a", 1, Told("c", (row("2"),)), life="m")
    assert stage.take() == ({"2"}, {"1": "lost"}, set())


def test_a_client_that_goes_on_at_another_node_never_leaves() -> None:
    stage = Stage()
    stage.delta("a", 1, Told("c", (row("1"),)))
    stage.delta("b", 1, Told("c", (row("1"),)))
    stage.take()
    stage.delta("a", 2, Told("c", left=(("1", "lost"),)))

    assert stage.take() == (set(), {}, set())
    assert stage.clients == {"1"}


def test_the_members_of_a_node_that_is_gone_have_left() -> None:
    stage = Stage()
    stage.delta("a", 1, Told("c", (row("1"),)), Told("d", crowd=9))
    stage.delta("b", 1, Told("c", (row("2"),)))
    stage.take()
    stage.others.forget("a", "lost", stage.changes)
    stage.others.forget("nobody", "lost", stage.changes)

    assert "d" in stage.changes.by_channel
    assert stage.take() == (set(), {"1": "lost"}, set())
    assert stage.others.crowd("d") == 0
    assert stage.clients == {"2"}


def test_of_a_crowd_the_number_is_known_and_rows_come_back_when_it_is_none() -> None:
    stage = Stage()
    stage.delta("a", 1, Told("c", (row("1"), row("2"))))
    stage.take()
    stage.delta("a", 2, Told("c", crowd=300))
    assert stage.take() == (set(), {}, {"1", "2"})
    assert (stage.others.crowd("c"), stage.clients) == (300, set())

    stage.delta("a", 3, Told("c", (row("2"), row("3")), is_whole=True))
    assert stage.take() == ({"2", "3"}, {}, set())
    assert stage.others.crowd("c") == 0

"""What the other nodes are told of this one's members, and when."""

from __future__ import annotations

from arqonbus.protocol.payloads import MemberInfo, Profile
from arqonbus.routing.census_letters import Told
from arqonbus.routing.own_members import OwnMembers


def row(client: str, name: str = "") -> MemberInfo:
    return MemberInfo(client, None, Profile(screen_name=name or None), "2026-11-21T19:00:00.000Z")


def test_joins_are_told_with_the_next_delta_and_leaves_with_the_one_after() -> None:
    own = OwnMembers(10)
    own.enter("c", row("c-1"))
    assert own.take() == (Told("c", (row("c-1"),)),)

    own.exit("c", "c-1", "left")
    own.enter("c", row("c-2"))
    assert own.take() == (Told("c", (row("c-2"),)),)
    assert own.has_more
    assert own.take() == (Told("c", left=(("c-1", "left"),)),)
    assert not own.has_more
    assert own.take() == ()


def test_who_leaves_and_is_back_before_that_is_told_has_not_left() -> None:
    own = OwnMembers(10)
    own.enter("c", row("c-1"))
    own.take()
    own.exit("c", "c-1", "left")
    own.take()
    own.enter("c", row("c-1", "new"))

    assert own.take() == (Told("c", (row("c-1", "new"),)),)
    assert own.take() == ()


def test_the_last_delta_holds_all() -> None:
    own = OwnMembers(10)
    own.enter("c", row("c-1"))
    own.take()
    own.exit("c", "c-1", "lost")

    assert own.take(all_of_it=True) == (Told("c", left=(("c-1", "lost"),)),)


def test_of_a_crowd_only_the_number_is_told_until_it_is_clearly_smaller() -> None:
    own = OwnMembers(5)
    for n in range(6):
        own.enter("c", row(f"c-{n}"))
    assert own.take() == (Told("c", crowd=6),)
    assert own.everybody() == (Told("c", crowd=6),)

    own.exit("c", "c-0", "left")
    own.take()
    assert own.take() == (Told("c", crowd=5),)
    own.exit("c", "c-1", "left")
    own.take()
    assert own.take() == (Told("c", tuple(row(f"c-{n}") for n in range(2, 6)), is_whole=True),)


def test_everybody_is_whoever_is_in_now() -> None:
    own = OwnMembers(5)
    own.enter("c", row("c-1"))
    own.enter("*", row("c-1"))
    own.enter("d", row("c-2"))
    own.exit("d", "c-2", "left")

    assert own.everybody() == (Told("c", (row("c-1"),)), Told("*", (row("c-1"),)))


def test_a_page_of_a_crowd_is_by_id_and_bounded_in_number_and_bytes() -> None:
    own = OwnMembers(0)
    for n in (3, 1, 2):
        own.enter("c", row(f"c-{n}"))

    assert own.page("c", "", 2, 1000) == ((row("c-1"), row("c-2")), True)
    assert own.page("c", "c-2", 2, 1000) == ((row("c-3"),), False)
    assert own.page("c", "", 3, 1) == ((row("c-1"),), True)
    assert own.page("d", "", 3, 1000) == ((), False)

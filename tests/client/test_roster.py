"""The roster: who is there, from a snapshot and what changed since."""

import pytest

from arqonbus.client.errors import BusClosed
from arqonbus.client.results import MemberInfo
from arqonbus.client.roster import MOST_CHANGES, Change, Roster

ANA, BOB, CAT = MemberInfo("c-ana"), MemberInfo("c-bob"), MemberInfo("c-cat")


def joined(member: MemberInfo, count: int = -1) -> Change:
    return Change("joined", member.client, member, count=count)


def left(client: str, reason: str = "left", count: int = -1) -> Change:
    return Change("left", client, None, reason, count)


def changes(roster: Roster) -> list[Change]:
    found = []
    while (change := roster.take()) is not None:
        found.append(change)
    return found


@pytest.fixture
def roster() -> Roster:
    roster = Roster()
    roster.reset((ANA, BOB))
    changes(roster)
    return roster


@pytest.mark.rules("R47")
def test_it_begins_with_who_is_there() -> None:
    roster = Roster()

    roster.reset((ANA, BOB))

    assert sorted(roster.members) == ["c-ana", "c-bob"]
    assert (roster.count, roster.is_listed) == (2, True)
    assert changes(roster) == [Change("reset", count=2)]


@pytest.mark.rules("R47")
def test_members_come_go_and_change(roster: Roster) -> None:
    roster.change(joined(CAT))
    roster.change(left("c-ana", "lost"))
    renamed = MemberInfo("c-bob", user="bob")
    roster.change(Change("updated", "c-bob", renamed, count=-1))

    assert changes(roster) == [
        Change("joined", "c-cat", CAT, None, 3),
        Change("left", "c-ana", ANA, "lost", 2),
        Change("updated", "c-bob", renamed, None, 2),
    ]
    assert roster.members["c-bob"].user == "bob"


@pytest.mark.rules("R47")
def test_the_count_of_the_server_is_taken_as_it_is(roster: Roster) -> None:
    roster.change(joined(CAT, count=7))

    assert roster.count == 7


@pytest.mark.rules("R47")
def test_what_comes_before_the_snapshot_is_applied_after_it() -> None:
    roster = Roster()
    roster.change(joined(CAT))
    roster.change(left("c-ana"))
    assert roster.take() is None

    roster.reset((ANA, BOB))

    assert sorted(roster.members) == ["c-bob", "c-cat"]
    assert changes(roster) == [Change("reset", count=2)]


@pytest.mark.rules("R47")
def test_after_a_lost_connection_it_waits_for_a_new_snapshot(roster: Roster) -> None:
    roster.unknown()
    roster.change(joined(CAT))
    roster.reset((BOB,))

    assert sorted(roster.members) == ["c-bob", "c-cat"]
    assert [change.kind for change in changes(roster)] == ["reset"]


@pytest.mark.rules("R47")
def test_too_many_members_are_only_counted(roster: Roster) -> None:
    roster.change(Change("count", count=5000))

    assert (roster.count, roster.is_listed, dict(roster.members)) == (5000, False, {})
    roster.change(joined(CAT, count=5001))
    assert dict(roster.members) == {}
    roster.reset(None, 5002)
    assert (roster.count, roster.is_listed) == (5002, False)


@pytest.mark.rules("R47")
def test_changes_that_nobody_reads_become_one_reset(roster: Roster) -> None:
    for n in range(MOST_CHANGES + 1):
        roster.change(joined(MemberInfo(f"c-{n}")))

    assert changes(roster) == [Change("reset", count=MOST_CHANGES + 3)]


def test_somebody_who_was_not_known_may_leave(roster: Roster) -> None:
    roster.change(left("c-nobody"))

    assert roster.count == 2
    assert changes(roster) == [Change("left", "c-nobody", None, "left", 2)]


def test_a_member_that_is_told_twice_is_counted_once(roster: Roster) -> None:
    roster.change(joined(ANA))

    assert roster.count == 2


def test_it_ends_once_and_wakes_its_reader() -> None:
    told: list[str] = []
    roster = Roster(wake=lambda: told.append("woken"))

    roster.end(BusClosed("over"))
    roster.end(None)

    assert told == ["woken"]
    assert isinstance(roster.error, BusClosed)

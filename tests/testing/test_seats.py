"""Seats: what a connection may see, and what it may not."""

from typing import Any

import pytest

from arqonbus.testing.ledger import Ledger
from arqonbus.testing.promises import Keeping
from arqonbus.testing.seats import Seats

PLACE = ("r", "c")


class Chair:
    """One connection's seats, before a ledger that compares nothing and knows of 100 events."""

    def __init__(self) -> None:
        self.ledger = Ledger(lambda: 0.0, 0.0)
        self.ledger.compare = lambda *event: None
        self.ledger.entry = lambda address, epoch, seq: seq <= 100 or None
        self.seats = Seats("ada", self.ledger, Keeping(1000, True, True))

    def join(self, seq: int, replayed: int = 0, **args: Any) -> None:
        result = {"epoch": "e", "seq": seq, "recovered": "since" in args, "reason": None, "replayed": replayed}
        self.seats.joined(PLACE, args, result)

    def join_all(self, *seqs: int, overflow: str | None = None) -> None:
        self.seats.joined_all("r", [{"channel": "c", "epoch": "e", "seq": seq} for seq in seqs], overflow)

    def lose(self, first: int, last: int, reason: str = "conflate", epoch: str = "e") -> list[str]:
        gap = {"room": "r", "channel": "c", "epoch": epoch, "from": first, "to": last, "reason": reason}
        self.seats.gap(gap)
        return self.rules

    def see(self, *seqs: int, opening: str | None = None) -> list[str]:
        for seq in seqs:
            self.seats.event({"room": "r", "channel": "c", "seq": seq}, opening)
        return self.rules

    @property
    def rules(self) -> list[str]:
        return [broken.partition(":")[0] for broken in self.ledger.broken]


def test_a_member_sees_what_follows_its_position() -> None:
    chair = Chair()
    chair.join(4)

    assert chair.see(5, 6, 7) == []


@pytest.mark.parametrize("seqs", [(5, 7), (5, 5), (6,), (4,), (5, 7, 6)])
def test_holes_repeats_and_swaps_are_noticed(seqs: tuple[int, ...]) -> None:
    chair = Chair()
    chair.join(4)

    assert set(chair.see(*seqs)) == {"order"}


def test_a_replay_comes_before_what_is_live() -> None:
    chair = Chair()
    chair.join(7, 3, since={"epoch": "e", "seq": 4})

    assert chair.see(5, 6, 7, 8) == []


def test_a_member_that_joins_again_must_have_seen_all_before_the_answer() -> None:
    chair = Chair()
    chair.join(4)
    chair.join(5)

    assert chair.rules == ["order"]


def test_a_wrong_answer_is_noticed() -> None:
    chair = Chair()
    chair.join(7, 2, since={"epoch": "e", "seq": 4})

    assert chair.rules == ["recovery"]


def test_nothing_comes_to_who_is_not_in() -> None:
    assert Chair().see(1) == ["membership"]


def test_nothing_comes_after_the_answer_to_a_leave() -> None:
    chair = Chair()
    chair.join(0)
    chair.seats.left(PLACE)

    assert chair.see(1) == ["membership"]


def test_events_may_overtake_the_answer_to_a_join_of_all() -> None:
    chair = Chair()
    chair.see(3, 4, opening="r")
    chair.join_all(2)

    assert chair.see(5) == []


def test_events_that_overtake_it_follow_its_position() -> None:
    chair = Chair()
    chair.see(4, opening="r")
    chair.join_all(2)

    assert chair.rules == ["order"]


def test_events_of_a_channel_that_the_answer_does_not_know_are_noticed() -> None:
    chair = Chair()
    chair.see(1, opening="r")
    chair.join_all()

    assert chair.rules == ["membership"]


def test_a_refused_join_of_all_leaves_nothing_behind() -> None:
    chair = Chair()
    chair.see(1, opening="r")
    chair.seats.refused_all("r")

    assert chair.see(2) == ["membership"]


def test_a_member_by_two_joins_stays_in_by_the_other() -> None:
    chair = Chair()
    chair.join(0)
    chair.join_all(0)
    chair.seats.left_all("r")
    chair.see(1)
    chair.join_all(1)
    chair.seats.left(PLACE)

    assert chair.see(2) == []


def test_a_new_channel_of_the_room_is_seen_from_its_first_event() -> None:
    chair = Chair()
    chair.join_all()
    chair.seats.created(PLACE, {"epoch": "e", "seq": 0}, None)

    assert chair.see(1, 2) == []


def test_a_new_channel_is_news_only_to_members_of_the_room_and_only_once() -> None:
    chair = Chair()
    chair.seats.created(PLACE, {"epoch": "e", "seq": 0}, None)
    chair.seats.created(PLACE, {"epoch": "e", "seq": 0}, "r")
    chair.seats.created(PLACE, {"epoch": "e", "seq": 0}, "r")

    assert chair.rules == ["membership", "membership"]


def test_nothing_comes_from_a_channel_that_ended() -> None:
    chair = Chair()
    chair.join_all(0)
    chair.seats.deleted(PLACE)

    assert chair.see(1) == ["membership"]


def test_the_end_of_a_room_ends_what_came_by_it() -> None:
    chair = Chair()
    chair.join_all(0)
    chair.seats.deleted(("r", "*"))

    assert (chair.seats.rooms, chair.see(1)) == ({}, ["membership"])


def test_broadcasts_are_for_members_and_for_those_the_room_may_count_as_such() -> None:
    chair = Chair()
    assert (chair.seats.may_hear("r", None), chair.seats.may_hear("r", "r")) == (False, True)

    chair.join(0)
    assert (chair.seats.may_hear("r", None), chair.seats.may_hear("s", None)) == (True, False)

    chair.seats.doubt("s")
    assert chair.seats.may_hear("s", None) is True


def test_a_gap_stands_for_the_events_that_it_names() -> None:
    chair = Chair()
    chair.join(4, overflow="conflate")
    chair.see(5)
    chair.lose(6, 8)

    assert chair.see(9) == []


@pytest.mark.parametrize(("first", "last"), [(5, 8), (7, 8), (6, 5)])
def test_a_gap_that_overlaps_or_leaves_a_hole_is_noticed(first: int, last: int) -> None:
    chair = Chair()
    chair.join(5, overflow="conflate")

    assert chair.lose(first, last) == ["order"]


def test_a_gap_in_another_epoch_is_noticed() -> None:
    chair = Chair()
    chair.join(5, overflow="conflate")

    assert "order" in chair.lose(6, 8, epoch="other")


def test_a_gap_of_events_that_were_never_stored_is_noticed() -> None:
    chair = Chair()
    chair.join(50, overflow="conflate")

    assert chair.lose(51, 200) == ["stored"]


def test_who_bears_nothing_loses_nothing() -> None:
    chair = Chair()
    chair.join(0, overflow="conflate")
    chair.join_all(0, overflow="drop_oldest")
    chair.lose(1, 2)
    chair.seats.left(PLACE)
    assert chair.lose(3, 4, "drop_oldest") == []

    chair.join(4)
    assert chair.lose(5, 6, "drop_oldest") == ["overflow"]


def test_a_gap_is_for_members() -> None:
    assert Chair().lose(1, 2) == ["membership"]


def test_positions_outlive_the_connection() -> None:
    chair = Chair()
    chair.join(4)
    chair.see(5)

    assert chair.seats.hang_up() == {PLACE: {"epoch": "e", "seq": 5}}


def test_what_was_brought_back_is_settled_by_the_memberships() -> None:
    chair = Chair()
    for channel in ("c", "d"):
        chair.seats.resumed({"room": "r", "channel": channel, "epoch": "e", "seq": 4}, 3)
    chair.seats.settle({PLACE: 2, ("r", "*"): 5})

    named, whole = chair.seats.by_address[PLACE], chair.seats.by_address["r", "d"]
    assert (named.direct, named.star, named.n_ended, named.next) == (True, True, 2, 3)
    assert (whole.direct, whole.star) == (False, True)
    assert (chair.seats.rooms, chair.rules) == ({"r": 5}, [])


def test_what_was_brought_back_without_a_membership_is_noticed() -> None:
    chair = Chair()
    chair.seats.resumed({"room": "r", "channel": "c", "epoch": "e", "seq": 4}, 5)
    chair.seats.settle({})

    assert chair.rules == ["membership"]


def test_while_it_is_not_known_where_it_is_new_channels_are_believed() -> None:
    chair = Chair()
    chair.seats.created(PLACE, {"epoch": "e", "seq": 0}, None, is_sure=False)
    chair.seats.created(PLACE, {"epoch": "e", "seq": 0}, None, is_sure=False)
    assert chair.rules == []

    chair.seats.created(PLACE, {"epoch": "f", "seq": 0}, None, is_sure=False)
    assert chair.rules == ["membership"]


def test_positions_are_given_without_hanging_up_too() -> None:
    chair = Chair()
    chair.join(4)
    chair.seats.deleted(("r", "d"))

    assert chair.seats.positions() == {PLACE: {"epoch": "e", "seq": 4}}
    assert (list(chair.seats.by_address), chair.seats.parted) == ([PLACE], {("r", "d")})


@pytest.mark.parametrize(
    ("told", "n_broken"),
    [
        (("joined", "left", "joined", "lost"), 0),
        (("lost",), 0),
        (("joined", "joined"), 1),
        (("left", "lost"), 1),
        (("lost", "joined"), 1),
    ],
)
def test_others_join_and_leave_in_turn_and_are_not_lost_for_a_moment(told: tuple[str, ...], n_broken: int) -> None:
    chair = Chair()
    chair.join(0)
    for what in told:
        chair.seats.told_of(PLACE, "c-2", what)

    assert chair.rules == ["presence"] * n_broken


def test_where_a_fault_kept_somebody_out_more_may_be_told() -> None:
    chair = Chair()
    chair.join(0)
    chair.seats.told_of(("r", "d"), "c-2", "joined")
    chair.ledger.shaken.add("r")
    for what in ("lost", "joined", "joined"):
        chair.seats.told_of(PLACE, "c-2", what)

    assert chair.rules == []


def test_what_a_membership_bore_before_it_bears_after_coming_back() -> None:
    chair = Chair()
    chair.seats.resumed({"room": "r", "channel": "c", "epoch": "e", "seq": 4}, 5)
    gap = {"room": "r", "channel": "c", "epoch": "e", "from": 5, "to": 5, "reason": "conflate"}
    chair.ledger.entry = lambda *place: True
    chair.seats.gap(gap, is_sure=False)
    chair.seats.settle({PLACE: 0})
    chair.seats.gap({**gap, "from": 6, "to": 7})

    assert chair.rules == []

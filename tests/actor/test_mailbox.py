"""Mailbox: two lanes, their bounds, and when it wakes its cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arqonbus.actor.mailbox import Bounds, Mailbox, Overflow


class Owner:
    """Stands for the cell: counts wakes, keeps what is buried."""

    def __init__(self, bounds: Bounds) -> None:
        self.n_wakes = 0
        self.buried: list[str] = []
        self.mailbox: Mailbox[str] = Mailbox(bounds, self.wake, self.buried.append)

    def wake(self) -> None:
        self.n_wakes += 1


def owner(items: int = 4, weight: int = 100, low: int = 1, overflow: Overflow = Overflow.REFUSE) -> Owner:
    return Owner(Bounds(items, weight if overflow is Overflow.REFUSE else 1 << 62, low, overflow))


def called() -> None:
    """Stand for a callback that waits for room."""


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("items", "weight", "low"), [(0, 1, 0), (1, 0, 0), (1, 1, 1), (1, 1, -1)])
def test_bounds_that_could_never_be_met_are_refused(items: int, weight: int, low: int) -> None:
    with pytest.raises(ValueError, match="expected items >= 1, weight >= 1, 0 <= low < items"):
        Bounds(items, weight, low)


def test_drop_oldest_with_a_bound_of_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="expected no bound of weight with drop_oldest, got 100"):
        Bounds(4, 100, 1, Overflow.DROP_OLDEST)


def test_a_full_lane_refuses_and_counts_it() -> None:
    mailbox = owner(items=2).mailbox

    assert [mailbox.put(mail) for mail in "abc"] == [True, True, False]
    assert mailbox.user == ["a", "b"]
    assert (mailbox.refused, mailbox.dropped) == (1, 0)


def test_a_full_lane_that_drops_the_oldest_takes_the_newest_and_counts_it() -> None:
    mailbox = owner(items=2, overflow=Overflow.DROP_OLDEST).mailbox

    assert [mailbox.put(mail) for mail in "abcd"] == [True, True, True, True]
    assert mailbox.user == ["c", "d"]
    assert (mailbox.refused, mailbox.dropped) == (0, 2)


def test_a_lane_below_its_weight_takes_one_more_mail_of_any_weight() -> None:
    mailbox = owner(weight=10).mailbox

    assert mailbox.put("light", 9)
    assert mailbox.put("heavy", 1000)
    assert not mailbox.put("light", 1)


def test_weight_counts_until_the_lane_was_empty_at_the_end_of_a_turn() -> None:
    mailbox = owner(weight=10).mailbox
    mailbox.put("a", 5)
    mailbox.put("b", 5)
    mailbox.put_back(mailbox.take_user(2)[1:])
    mailbox.settle()

    assert not mailbox.put("c")
    mailbox.take_user(1)
    mailbox.settle()
    assert mailbox.put("c")


def test_a_sender_that_is_bounded_itself_passes_the_bound() -> None:
    mailbox = owner(items=1, low=0).mailbox
    mailbox.put("a")

    assert mailbox.put_past_bound("b")
    assert mailbox.user == ["a", "b"]


def test_control_mail_is_not_bounded_by_the_user_lane() -> None:
    mailbox = owner(items=1, low=0).mailbox
    mailbox.put("a")

    assert all(mailbox.put_control(mail) for mail in "bcd")
    assert mailbox.take_control() == ["b", "c", "d"]
    assert mailbox.control == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), max_size=60), st.integers(1, 5), st.integers(1, 30))
def test_a_lane_never_holds_more_than_its_bounds(steps: list[tuple[int, int]], items: int, weight: int) -> None:
    lane: Mailbox[int] = Mailbox(Bounds(items, weight, 0), lambda: None, lambda mail: None)
    for kind, number in steps:
        if kind:
            lane.put(number, number)
        else:
            lane.take_user(number)
            lane.settle()

        assert len(lane.user) <= items
        assert sum(lane.user[:-1]) < weight


# --- waking -----------------------------------------------------------------------------------------------------------


def test_only_the_first_mail_wakes_a_sleeping_cell() -> None:
    cell = owner()
    cell.mailbox.put("a")
    cell.mailbox.put("b")
    cell.mailbox.put_control("c")
    cell.mailbox.put_past_bound("d")

    assert cell.n_wakes == 1


@pytest.mark.parametrize("method", ["put", "put_past_bound", "put_control"])
def test_a_mail_of_any_kind_wakes(method: str) -> None:
    cell = owner()
    getattr(cell.mailbox, method)("a")

    assert cell.n_wakes == 1
    assert cell.mailbox.awake


def test_user_mail_does_not_wake_a_cell_that_holds_it_but_control_mail_does() -> None:
    cell = owner()
    cell.mailbox.hold()
    cell.mailbox.put("a")
    cell.mailbox.put_past_bound("b")

    assert cell.n_wakes == 0
    cell.mailbox.put_control("c")
    assert cell.n_wakes == 1


def test_a_release_wakes_for_what_came_in_the_meantime() -> None:
    cell = owner()
    cell.mailbox.hold()
    cell.mailbox.put("a")
    cell.mailbox.release()
    cell.mailbox.release()

    assert cell.n_wakes == 1


def test_a_release_with_nothing_to_read_lets_the_cell_sleep() -> None:
    cell = owner()
    cell.mailbox.hold()
    cell.mailbox.release()

    assert cell.n_wakes == 0
    assert not cell.mailbox.awake


@pytest.mark.parametrize(
    ("control", "user", "held", "awake"),
    [
        ("", "", False, False),
        ("c", "", False, True),
        ("", "u", False, True),
        ("", "u", True, False),
        ("c", "u", True, True),
    ],
)
def test_after_a_turn_a_cell_is_awake_when_it_can_handle_something(
    control: str, user: str, held: bool, awake: bool
) -> None:
    mailbox = owner().mailbox
    mailbox.put_back_control(list(control))
    mailbox.put_back(list(user))
    mailbox.held = held
    mailbox.settle()

    assert mailbox.awake is awake


# --- taking and putting back ------------------------------------------------------------------------------------------


def test_mail_is_taken_oldest_first_up_to_a_limit() -> None:
    mailbox = owner().mailbox
    for mail in "abc":
        mailbox.put(mail)

    assert mailbox.take_user(2) == ["a", "b"]
    assert mailbox.take_user(2) == ["c"]
    assert mailbox.take_user(2) == []


def test_what_is_put_back_stands_before_what_came_since() -> None:
    mailbox = owner().mailbox
    mailbox.put("d")
    mailbox.put_back(["a", "b"])
    mailbox.put_back([])
    mailbox.put_control("z")
    mailbox.put_back_control(["x", "y"])

    assert mailbox.user == ["a", "b", "d"]
    assert mailbox.control == ["x", "y", "z"]


# --- waiting for room -------------------------------------------------------------------------------------------------


def test_with_room_nobody_waits_for_it() -> None:
    mailbox = owner(low=1).mailbox
    mailbox.put("a")

    assert not mailbox.on_room(called)
    assert mailbox.settle() == []


def test_those_who_wait_are_called_once_at_the_low_mark() -> None:
    mailbox = owner(low=1).mailbox
    for mail in "abc":
        mailbox.put(mail)

    assert mailbox.on_room(called)
    assert mailbox.on_room(called)
    mailbox.take_user(1)
    assert mailbox.settle() == []
    mailbox.take_user(1)
    assert mailbox.settle() == [called, called]
    assert mailbox.settle() == []


def test_a_lane_of_few_but_heavy_mails_has_no_room() -> None:
    mailbox = owner(weight=10, low=1).mailbox
    mailbox.put("a", 10)

    assert mailbox.on_room(called)
    assert mailbox.settle() == []
    mailbox.take_user(1)
    assert mailbox.settle() == [called]


# --- the end ----------------------------------------------------------------------------------------------------------


def test_closing_gives_the_unread_mail_control_first_and_those_who_wait() -> None:
    mailbox = owner(items=2, low=0).mailbox
    mailbox.put("u", 3)
    mailbox.put_control("c")
    mailbox.on_room(called)

    assert mailbox.close() == (["c", "u"], [called])
    assert mailbox.close() == ([], [])
    assert mailbox.weight == 0


def test_a_closed_mailbox_takes_nothing_and_buries_what_nobody_gets_back() -> None:
    cell = owner()
    cell.mailbox.close()

    assert not cell.mailbox.put("sender keeps it")
    assert not cell.mailbox.put_past_bound("past bound")
    assert not cell.mailbox.put_control("control")
    assert cell.buried == ["past bound", "control"]
    assert cell.mailbox.refused == 0
    assert cell.n_wakes == 0


def test_a_closed_mailbox_that_dropped_the_oldest_drops_no_more() -> None:
    mailbox = owner(overflow=Overflow.DROP_OLDEST).mailbox
    mailbox.close()

    assert not mailbox.put("a")
    assert mailbox.dropped == 0


def test_nobody_waits_for_room_in_a_closed_mailbox() -> None:
    mailbox = owner().mailbox
    mailbox.close()

    assert not mailbox.on_room(called)

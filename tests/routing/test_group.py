"""One group: who gets what, and that nothing is ever in two places or in none."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arqonbus.routing.group import MOST_GAPS, WINDOW_BYTES, WINDOW_EVENTS, Group, GroupBounds, Seat, Stored
from tests.commands.calls import client_card

ROOMY = GroupBounds(1_000_000, 1_000_000_000)


def group(bounds: GroupBounds = ROOMY, n_seats: int = 0) -> tuple[Group, list[Seat]]:
    made = Group("g", bounds)
    return made, [made.sit(client_card(f"c-{n}"), n) for n in range(n_seats)]


def events(first: int, last: int, size: int = 1) -> list[Stored]:
    return [(seq, b"x" * size) for seq in range(first, last + 1)]


def told(seat: Seat) -> list[int]:
    return [seq for seq, _ in seat.unconfirmed]


def test_equals_take_turns_and_whoever_has_least_unconfirmed_goes_first() -> None:
    shared, (one, two) = group(n_seats=2)
    shared.add(events(1, 4))
    shared.hand_out()
    assert (told(one), told(two)) == ([1, 3], [2, 4])

    two.confirm(2)
    shared.line_up(two)
    shared.add(events(5, 7))
    shared.hand_out()

    assert (told(one), told(two)) == ([1, 3, 7], [5, 6])


def test_what_is_handed_out_is_given_in_the_order_told() -> None:
    shared, (one, two) = group(n_seats=2)
    shared.add([(1, b"a"), (2, b"b"), (3, b"c")])

    assert shared.hand_out() == {one: [b"a", b"c"], two: [b"b"]}
    assert shared.hand_out() == {}


@pytest.mark.parametrize(("size", "most"), [(1, WINDOW_EVENTS), (WINDOW_BYTES // 4, 4), (WINDOW_BYTES * 2, 1)])
def test_a_member_is_told_no_more_than_its_window_in_events_and_in_bytes(size: int, most: int) -> None:
    shared, (one,) = group(n_seats=1)
    shared.add(events(1, most + 2, size))

    shared.hand_out()
    assert len(told(one)) == most

    one.confirm(most)
    shared.line_up(one)
    shared.hand_out()
    assert told(one)[-1] == most + min(most, 2)


def test_a_member_that_is_not_ready_is_told_nothing() -> None:
    shared, (one, two) = group(n_seats=2)
    one.is_ready = False
    shared.line_up(one)

    shared.add(events(1, 3))
    shared.hand_out()

    assert (told(one), told(two)) == ([], [1, 2, 3])


def test_what_is_given_back_comes_before_newer_events_and_in_order() -> None:
    shared, (one, two) = group(n_seats=2)
    shared.add(events(1, 4))
    shared.hand_out()
    for seat in (one, two):
        seat.is_ready = False
        shared.line_up(seat)
    shared.add(events(5, 6))

    shared.put_back(one.give_back())
    shared.put_back(two.give_back())
    shared.put_back([])

    assert [seq for seq, _ in shared.waiting] == [1, 2, 3, 4, 5, 6]
    assert (one.size, two.size) == (0, 0)


def test_what_was_told_out_of_order_is_given_back_in_order() -> None:
    shared, (one,) = group(n_seats=1)
    shared.add(events(2, 2))
    shared.hand_out()
    shared.put_back(events(1, 1))
    shared.hand_out()
    assert told(one) == [2, 1]

    assert one.give_back() == events(1, 2)


def test_who_rises_has_no_turn_any_more() -> None:
    shared, (one, two) = group(n_seats=2)
    shared.rise(one)
    shared.rise(one)

    shared.add(events(1, 2))
    shared.hand_out()

    assert (told(one), told(two)) == ([], [1, 2])
    assert list(shared.seats) == [two.card]


def test_a_newer_connection_takes_the_place_what_was_not_confirmed_and_what_was_not_told() -> None:
    shared, (one,) = group(GroupBounds(1, 1000), n_seats=1)
    shared.add(events(1, 2))
    shared.hand_out()
    one.is_ready = False
    shared.line_up(one)
    shared.add(events(3, 4))
    assert shared.trim() == 1

    later = shared.sit(client_card("c-0"), 9, one)
    shared.hand_out()

    assert list(shared.seats) == [later.card]
    assert told(later) == [1, 2, 4]
    assert shared.take_gaps() == [(later, [(3, 3)])]


def test_a_group_is_reached_while_one_of_it_has_a_connection() -> None:
    shared, (one, two) = group(n_seats=2)
    assert shared.is_reached

    one.card.is_away = two.card.is_away = True
    assert not shared.is_reached

    two.card.is_away = False
    assert shared.is_reached
    assert not group()[0].is_reached


# --- bounds ---------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "size", "kept"),
    [
        (GroupBounds(3, 1000), 1, [8, 9, 10]),
        (GroupBounds(100, 25), 10, [9, 10]),
        (GroupBounds(100, 5), 10, [10]),  # one of any size may wait
    ],
)
def test_beyond_a_bound_the_oldest_go(bounds: GroupBounds, size: int, kept: list[int]) -> None:
    shared, _ = group(bounds)
    shared.add(events(1, 10, size))

    assert shared.trim() == 10 - len(kept)
    assert [seq for seq, _ in shared.waiting] == kept
    assert shared.trim() == 0
    assert shared.n_lost == 10 - len(kept)


def test_each_member_is_told_of_a_gap_when_it_reads() -> None:
    shared, (one, two) = group(GroupBounds(1, 1000), n_seats=2)
    for seat in (one, two):
        seat.is_ready = False
        shared.line_up(seat)
    for first in (1, 4):
        shared.add(events(first, first + 2))
        shared.trim()
    assert shared.take_gaps() == []

    one.is_ready = True
    assert shared.take_gaps() == [(one, [(1, 5)])]
    assert shared.take_gaps() == []
    two.is_ready = True
    assert shared.take_gaps() == [(two, [(1, 5)])]


def test_gaps_name_each_run_and_are_bounded() -> None:
    shared, (one,) = group(GroupBounds(1, 1000), n_seats=1)
    one.is_ready = False
    shared.line_up(one)
    odd = [(seq, b"x") for seq in range(1, 4 * MOST_GAPS, 2)]

    shared.add(odd)
    assert shared.trim() == len(odd) - 1

    assert one.gaps[:2] == [(1, 1), (3, 3)]
    assert len(one.gaps) == MOST_GAPS
    assert one.gaps[-1] == (2 * MOST_GAPS - 1, odd[-2][0])


# --- any order ---------------------------------------------


STEPS = st.tuples(
    st.sampled_from(("add", "confirm", "give back", "be ready", "be busy")), st.integers(0, 3), st.integers(0, 5)
)


@given(
    n_seats=st.integers(1, 4),
    messages=st.sampled_from((1, 5, 1000)),
    size_bytes=st.sampled_from((3, 20, 100_000)),
    steps=st.lists(STEPS, max_size=60),
)
def test_each_event_is_in_one_place_whatever_happens(
    n_seats: int, messages: int, size_bytes: int, steps: list[tuple[str, int, int]]
) -> None:
    bounds = GroupBounds(messages, size_bytes)
    shared, seats = group(bounds, n_seats=n_seats)
    confirmed: list[int] = []
    waiting: list[int] = []
    top = 0
    for what, which, n in steps:
        seat = seats[which % n_seats]
        if what == "add":
            shared.add(events(top + 1, top + n, 1 + which))
            top += n
        elif what == "confirm":
            n_confirmed = min(n, len(seat.unconfirmed))
            confirmed += told(seat)[:n_confirmed]
            seat.confirm(n_confirmed)
        elif what == "give back":
            shared.put_back(seat.give_back())
        else:
            seat.is_ready = what == "be ready"
        shared.line_up(seat)
        shared.hand_out()
        shared.trim()
        waiting = [seq for seq, _ in shared.waiting]
        assert waiting == sorted(waiting)
        assert shared._size == sum(len(text) for _, text in shared.waiting)
        assert [one.size for one in seats] == [sum(len(text) for _, text in one.unconfirmed) for one in seats]
        assert len(waiting) <= bounds.messages

    places = Counter(confirmed + waiting + [seq for one in seats for seq in told(one)])
    assert set(places.values()) <= {1}
    assert len(places) + shared.n_lost == top

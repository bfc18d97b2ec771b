"""One durable group on one node: who has what in work, and that nothing is ever with two or with none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arqonbus.routing.durable_group import MOST_LATE, WINDOW_BYTES, DurableGroup, DurableSeat
from arqonbus.storage.shared_group import GroupOptions, Work
from tests.commands.calls import client_card


def group(n_seats: int = 2, prefetch: int = 3) -> tuple[DurableGroup, list[DurableSeat]]:
    made = DurableGroup("g", GroupOptions(ack_wait_s=10.0, prefetch=prefetch))
    return made, [made.sit(client_card(f"c-{n}"), n + 1) for n in range(n_seats)]


def works(*seqs: int, attempt: int = 1, size: int = 1) -> list[Work]:
    return [Work("5", seq, b"x" * size, attempt) for seq in seqs]


def seqs(told: list[Work]) -> list[int]:
    return [work.seq for work in told]


def test_members_take_turns_and_whoever_has_least_goes_first() -> None:
    shared, (one, two) = group()
    shared.take(works(1, 2, 3), 10.0)
    told, left = shared.hand_out(0.0)

    assert (seqs(told[one]), seqs(told[two]), left) == ([1, 3], [2], [])
    assert shared.room == 3
    shared.settle(one.card, works(1, 3))  # others of the same place are not these
    assert shared.room == 3
    shared.settle(one.card, told[one])
    assert shared.room == 5


def test_what_has_little_of_its_lease_left_is_for_nobody_here() -> None:
    shared, (one, _) = group()
    shared.take(works(1), 5.0)
    shared.take(works(2), 4.9)
    told, left = shared.hand_out(0.0)

    assert (seqs(told[one]), seqs(left)) == ([1], [2])


def test_what_waits_for_a_full_member_stays_and_what_waits_for_nobody_goes() -> None:
    shared, (one,) = group(1, prefetch=1)
    shared.take(works(1, 2), 10.0)
    told, left = shared.hand_out(0.0)
    assert (seqs(told[one]), left, shared.room) == ([1], [], 0)

    assert seqs(list(shared.cut(one).unwritten)) == [1]
    assert seqs(shared.hand_out(0.0)[1]) == [2]


def test_a_member_whose_connection_holds_much_is_told_no_more() -> None:
    shared, (one,) = group(1, prefetch=9)
    shared.take(works(1, 2, 3, size=WINDOW_BYTES), 10.0)
    assert seqs(shared.hand_out(0.0)[0][one]) == [1]
    shared.confirm(one, 1)
    assert seqs(shared.hand_out(0.0)[0][one]) == [2]


def test_who_let_it_run_out_is_the_last_to_get_it_again() -> None:
    shared, (one, two) = group()
    shared.take(works(1), 10.0)
    shared.hand_out(0.0)
    shared.expire(9.9)
    assert one.in_work
    shared.expire(10.0)
    assert (list(one.in_work), list(one.late)) == ([], [1])
    two.last_turn = 9  # it would not be its turn
    shared.ready(two)
    shared.take(works(1, attempt=2), 20.0)

    assert seqs(shared.hand_out(10.0)[0][two]) == [1]
    shared.rise(two.card)
    shared.take(works(1, attempt=3), 20.0)
    assert seqs(shared.hand_out(10.0)[0][one]) == [1]  # better than nobody
    assert list(one.late) == []


def test_what_was_late_is_remembered_up_to_a_bound() -> None:
    shared, (one,) = group(1, prefetch=2)
    for first in range(1, 40, 2):
        shared.take(works(first, first + 1), 10.0)
        shared.hand_out(0.0)
        shared.confirm(one, 2)
        shared.expire(10.0)

    assert len(one.late) == 2 * MOST_LATE
    (late,) = shared.found(one.card, [40, 1, 40])
    shared.settle(one.card, [late])
    assert shared.found(one.card, [40]) == []


def test_who_is_no_member_has_nothing() -> None:
    shared, (one, _) = group()
    shared.take(works(1), 10.0)
    told, _ = shared.hand_out(0.0)
    returned = shared.rise(one.card)

    assert (list(returned.written), list(returned.unwritten)) == ([], told[one])
    assert shared.found(one.card, [1]) == []
    shared.settle(one.card, told[one])
    assert shared.all_work() == []


def test_work_that_is_void_is_forgotten_and_its_writing_still_counted() -> None:
    shared, (one,) = group(1)
    shared.take(works(1), 10.0)
    shared.hand_out(0.0)
    shared.forget()
    assert (shared.all_work(), shared.room) == ([], 3)
    shared.confirm(one, 1)
    assert one.size == 0


@pytest.mark.parametrize("is_away", [True, False])
def test_a_group_is_reached_by_a_member_with_a_connection(is_away: bool) -> None:
    shared, (one,) = group(1)
    one.card.is_away = is_away

    assert shared.is_reached is not is_away


class Model:
    """Plays the store and the sessions: every event is in one place."""

    def __init__(self) -> None:
        self.group, self.seats = group(3)
        self.now = 0.0
        self.free: list[int] = []  # with the store
        self.attempts: dict[int, int] = {}
        self.done: set[int] = set()
        self.n = 0

    def take(self, count: int) -> None:
        self.n += count
        self.free += range(self.n - count + 1, self.n + 1)
        taken, self.free = self.free[: self.group.room], self.free[self.group.room :]
        for seq in taken:
            self.attempts[seq] = self.attempts.get(seq, 0) + 1
        self.group.take([works(seq, attempt=self.attempts[seq])[0] for seq in taken], self.now + 10.0)
        self._hand_out()

    def _hand_out(self) -> None:
        told, left = self.group.hand_out(self.now)
        self.free += seqs(left)
        for seat in told:
            assert seat.is_ready
            assert len(seat.in_work) <= 3

    def step(self, kind: int, which: int) -> None:
        seat = self.seats[which % len(self.seats)]
        if kind == 0:
            self.take(which + 1)
        elif kind == 1 and seat.in_work:
            found = self.group.found(seat.card, [next(iter(seat.in_work))])
            self.group.settle(seat.card, found)
            self.done |= {work.seq for work in found}
        elif kind == 2 and seat.unconfirmed:
            self.group.confirm(seat, 1)
        elif kind == 3:
            self.group.refuse(seat)
            self._hand_out()
        elif kind == 4:
            self.group.ready(seat)
        elif kind == 5:
            self._return(self.group.rise(seat.card))
            self.seats[which % len(self.seats)] = self.group.sit(client_card("again"), seat.number + 10)
        elif kind == 6:
            self.now += which
            before = {seq for one in self.seats for seq in one.in_work}
            self.group.expire(self.now)
            self.free += sorted(before - {seq for one in self.seats for seq in one.in_work})
        else:
            self._return(self.group.cut(seat))

    def _return(self, returned: Any) -> None:
        self.free += seqs([*returned.written, *returned.unwritten])

    def check(self) -> None:
        held = [seq for seat in self.seats for seq in seat.in_work]
        waiting = [one.work.seq for one in self.group.waiting]
        places = [*held, *waiting, *self.free, *self.done]
        assert sorted(places) == list(range(1, self.n + 1))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 5)), max_size=60))
def test_in_any_order_of_things_each_event_is_in_one_place(steps: list[tuple[int, int]]) -> None:
    model = Model()
    for kind, which in steps:
        model.step(kind, which)
        model.check()

"""DurableGroup: one durable group on one node: which member has which event in work, and until when. Pure.

The store leases events to the node; here they are given to members, each of which may have ``prefetch`` of them in
work. An event is a member's from the moment it is told until it acknowledges it, is gone, or the lease is over.

leased ──▶ waiting ──told──▶ unconfirmed ──written──▶ in work ──acknowledged──▶ (done)
              │                   │                      └──────lease over──▶ late
              └──nobody has room──┴──not written, left, lost──▶ (given back to the store)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from arqonbus.routing.cards import ClientCard
from arqonbus.routing.rota import Rota
from arqonbus.storage.shared_group import GroupOptions, Work

__all__ = ["DurableGroup", "DurableSeat", "Returned"]

WINDOW_BYTES = 262_144  # unconfirmed at one member: what one write hands to a socket that may turn out to be slow
MOST_LATE = 4  # times the prefetch: events kept for a member that may acknowledge them still


class Returned(Struct, frozen=True):
    """Work that a member does not have any more."""

    written: Sequence[Work] = ()  # it may have seen it
    unwritten: Sequence[Work] = ()  # it has certainly not


class _Held:
    """One event with a member, or waiting for one."""

    __slots__ = ("is_over", "until", "was_with", "work")

    def __init__(self, work: Work, until: float, was_with: int = 0) -> None:
        self.work = work
        self.until = until  # seconds: when the lease is over
        self.was_with = was_with  # number of the seat that let the last lease run out; 0: none here
        self.is_over = False  # acknowledged, or not this member's any more


class DurableSeat:
    """One member, and what it has in work."""

    __slots__ = ("card", "in_work", "is_ready", "last_turn", "late", "number", "round", "size", "unconfirmed")

    def __init__(self, card: ClientCard, number: int) -> None:
        self.card = card
        self.number = number  # in the channel; never given twice
        self.round = 0  # how often it gave back what was not written
        self.is_ready = True  # its connection takes events
        self.in_work: dict[int, _Held] = {}  # by seq, oldest first; those unconfirmed too
        self.unconfirmed: deque[_Held] = deque()  # in the order told
        self.size = 0  # bytes of them
        self.late: dict[int, Work] = {}  # by seq; not acknowledged in time
        self.last_turn = 0  # counted over the group: when it was told an event last


class DurableGroup:
    """The members here of one group.

    Args:
        name: of the group.
        options: that stand.
    """

    __slots__ = ("_n_turns", "_rota", "name", "options", "seats", "waiting")

    def __init__(self, name: str, options: GroupOptions) -> None:
        self.name = name
        self.options = options
        self.seats: dict[ClientCard, DurableSeat] = {}
        self.waiting: deque[_Held] = deque()  # leased, for nobody yet
        self._rota: Rota[DurableSeat] = Rota()
        self._n_turns = 0

    # --- members ------------------------------------------------------------------------------------------------

    def sit(self, card: ClientCard, number: int) -> DurableSeat:
        """Take a member in."""
        seat = self.seats[card] = DurableSeat(card, number)
        self._line_up(seat)
        return seat

    def rise(self, card: ClientCard) -> Returned:
        """Let a member go. Gives what it had in work."""
        seat = self.seats.pop(card)
        self._rota.take_out(seat)
        return _all_of(seat)

    def cut(self, seat: DurableSeat) -> Returned:
        """Note that a member has lost its connection. Gives what it had in work; it gets nothing until it is ready."""
        seat.is_ready = False
        self._rota.take_out(seat)
        return _all_of(seat)

    def part(self, card: ClientCard) -> DurableSeat:
        """Let a member go that still says what became of what it was told."""
        seat = self.seats.pop(card)
        self._rota.take_out(seat)
        return seat

    def confirm(self, seat: DurableSeat, n: int) -> list[Work]:
        """Note that the first ``n`` of what a member was told are written. Gives those that are its own still."""
        confirmed = [seat.unconfirmed.popleft() for _ in range(n)]
        seat.size -= sum([len(one.work.text) for one in confirmed])
        self._line_up(seat)
        return [one.work for one in confirmed if not one.is_over]

    def refuse(self, seat: DurableSeat) -> None:
        """Note that the rest of what a member was told is not written, nor is more of this round. Others get it."""
        seat.round += 1
        seat.is_ready = False
        self._rota.take_out(seat)
        held = [one for one in seat.unconfirmed if not one.is_over]
        seat.unconfirmed.clear()
        seat.size = 0
        for one in held:
            del seat.in_work[one.work.seq]
        self.waiting.extendleft(reversed(held))

    def ready(self, seat: DurableSeat) -> None:
        """Note that a member takes events again."""
        seat.is_ready = True
        self._line_up(seat)

    def _line_up(self, seat: DurableSeat) -> None:
        has_room = seat.is_ready and len(seat.in_work) < self.options.prefetch and seat.size < WINDOW_BYTES
        if has_room and seat.card in self.seats:
            self._rota.put(seat, len(seat.in_work), seat.last_turn)
        else:
            self._rota.take_out(seat)

    @property
    def room(self) -> int:
        """How many more events members here may have."""
        prefetch = self.options.prefetch
        room = sum([max(0, prefetch - len(seat.in_work)) for seat in self.seats.values() if seat.is_ready])
        return max(0, room - len(self.waiting))

    @property
    def is_reached(self) -> bool:
        """Whether somebody in it has a connection."""
        return any(not card.is_away for card in self.seats)

    # --- events -------------------------------------------------------------------------------------------------

    def take(self, works: Sequence[Work], until: float) -> None:
        """Take what the store has leased to this node, until then."""
        for work in works:
            was_with = 0
            if work.attempt > 1:
                was_with = next((seat.number for seat in self.seats.values() if work.seq in seat.late), 0)
            self.waiting.append(_Held(work, until, was_with))

    def hand_out(self, now: float) -> tuple[dict[DurableSeat, list[Work]], list[Work]]:
        """Give what waits to those whose turn it is. Gives what each is told, and what is for nobody here.

        That is what has less than half of its lease left, since whoever got it would have no time for it; and
        everything when no connection takes events.
        """
        least_until = now + self.options.ack_wait_s / 2
        left = [one.work for one in self.waiting if one.until < least_until]
        if left:
            self.waiting = deque([one for one in self.waiting if one.until >= least_until])
        told: dict[DurableSeat, list[Work]] = {}
        while self.waiting and (seat := self._next(self.waiting[0])) is not None:
            one = self.waiting.popleft()
            self._n_turns += 1
            seat.last_turn = self._n_turns
            seat.in_work[one.work.seq] = one
            seat.late.pop(one.work.seq, None)
            seat.unconfirmed.append(one)
            seat.size += len(one.work.text)
            told.setdefault(seat, []).append(one.work)
            self._line_up(seat)
        if self.waiting and not any(seat.is_ready for seat in self.seats.values()):
            left += [one.work for one in self.waiting]
            self.waiting.clear()
        return told, left

    def _next(self, one: _Held) -> DurableSeat | None:
        """Give the member whose turn it is; another one than let it run out, where there is another."""
        seat = self._rota.next()
        if seat is None or seat.number != one.was_with:
            return seat
        other = self._rota.next()
        if other is not None:
            self._line_up(seat)
        return other or seat

    def found(self, card: ClientCard, seqs: Sequence[int]) -> list[Work]:
        """Give the work that a member names, as far as it has it, or had it before the lease was over."""
        seat = self.seats.get(card)
        if seat is None:
            return []
        works = []
        for seq in dict.fromkeys(seqs):
            held = seat.in_work.get(seq)
            work = held.work if held is not None else seat.late.get(seq)
            if work is not None:
                works.append(work)
        return works

    def settle(self, card: ClientCard, works: Sequence[Work]) -> None:
        """Note that the store was told of a member's work: it has it no more."""
        seat = self.seats.get(card)
        if seat is None:
            return
        for work in works:
            held = seat.in_work.get(work.seq)
            if held is not None and held.work is work:
                held.is_over = True
                del seat.in_work[work.seq]
            elif seat.late.get(work.seq) is work:
                del seat.late[work.seq]
        self._line_up(seat)

    def expire(self, now: float) -> None:
        """Take from members what they did not acknowledge in time: the store gives it to anybody now."""
        for seat in self.seats.values():
            over = [held for held in seat.in_work.values() if held.until <= now]
            for held in over:
                held.is_over = True
                del seat.in_work[held.work.seq]
                seat.late[held.work.seq] = held.work
            while len(seat.late) > MOST_LATE * self.options.prefetch:
                del seat.late[next(iter(seat.late))]
            if over:
                self._line_up(seat)

    def forget(self) -> None:
        """Forget all work: its places are void."""
        self.waiting.clear()
        for seat in self.seats.values():
            for held in seat.in_work.values():
                held.is_over = True
            seat.in_work.clear()
            seat.late.clear()
            self._line_up(seat)

    def all_work(self) -> list[Work]:
        """Give everything that is leased to this node, as far as it is known here. What has no attempt is not."""
        held = [held for seat in self.seats.values() for held in seat.in_work.values()]
        return [one.work for one in (*held, *self.waiting) if one.work.attempt]


def _all_of(seat: DurableSeat) -> Returned:
    """Take all that a member has."""
    unwritten = [one for one in seat.unconfirmed if not one.is_over]
    not_seen = {one.work.seq for one in unwritten}
    written = [one.work for one in seat.in_work.values() if one.work.seq not in not_seen]
    for one in seat.in_work.values():
        one.is_over = True
    seat.in_work.clear()
    return Returned(written, [one.work for one in unwritten])

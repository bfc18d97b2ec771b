"""Group: the members of a channel that share its events, and the events that wait for one of them. Pure.

waiting ──told──▶ unconfirmed ──confirmed──▶ (written)
   ▲  │                │
   │  └─too much─▶ gap │
   └──given back, or the member is gone
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from heapq import merge

from msgspec import Struct

from arqonbus.routing.cards import ClientCard
from arqonbus.routing.rota import Rota

__all__ = ["Group", "GroupBounds", "Seat", "Stored"]

WINDOW_EVENTS = 1024  # unconfirmed at one member; confirmed each turn, so more than channel turns make between two
WINDOW_BYTES = 262_144  # likewise; what one write hands to a socket that may then turn out to be slow
MOST_GAPS = 64  # ranges kept for a member that cannot be told now; beyond them the last one is widened

Stored = tuple[int, bytes]
"""One event of the channel: seq and JSON text."""

Range = tuple[int, int]
"""First and last seq, both included."""


class GroupBounds(Struct, frozen=True):
    """How much may wait in one group while no member takes more. Over it the oldest are dropped."""

    messages: int = 16_384  # >= 1
    size_bytes: int = 4_194_304  # of JSON text, >= 1; a single event of any size may wait


class Seat:
    """One member of a group, and what it was told but has not confirmed."""

    __slots__ = ("card", "gaps", "group", "is_ready", "last_turn", "number", "round", "size", "unconfirmed")

    def __init__(self, group: Group, card: ClientCard, number: int) -> None:
        self.group = group
        self.card = card
        self.number = number  # in the channel; never given twice
        self.unconfirmed: deque[Stored] = deque()  # in the order told
        self.size = 0  # bytes of them
        self.round = 0  # how often it gave back what it had
        self.last_turn = 0  # counted over the group: when it was told an event last
        self.is_ready = True  # takes events
        self.gaps: list[Range] = []  # lost to the group, not told to this member yet

    @property
    def has_room(self) -> bool:
        """Whether it may be told one more event."""
        return self.is_ready and len(self.unconfirmed) < WINDOW_EVENTS and self.size < WINDOW_BYTES

    def tell(self, event: Stored, turn: int) -> None:
        """Note an event that it is told."""
        self.unconfirmed.append(event)
        self.size += len(event[1])
        self.last_turn = turn

    def confirm(self, n: int) -> None:
        """Strike off the first ``n`` events."""
        for _ in range(n):
            self.size -= len(self.unconfirmed.popleft()[1])

    def give_back(self) -> list[Stored]:
        """Take all that is not confirmed, ascending."""
        events = sorted(self.unconfirmed)
        self.unconfirmed.clear()
        self.size = 0
        return events


class Group:
    """One group. It exists while it has a member; several of one channel know nothing of each other."""

    __slots__ = ("_bounds", "_n_turns", "_rota", "_size", "has_gaps", "n_lost", "name", "seats", "waiting")

    def __init__(self, name: str, bounds: GroupBounds) -> None:
        self.name = name
        self.seats: dict[ClientCard, Seat] = {}
        self.waiting: deque[Stored] = deque()  # ascending
        self.n_lost = 0  # dropped since nothing waited last
        self._bounds = bounds
        self._rota: Rota[Seat] = Rota()  # who has room
        self._n_turns = 0  # events told so far
        self._size = 0  # bytes that wait
        self.has_gaps = False  # some member was not told of all that is lost

    # --- members ------------------------------------------------------------------------------------------------

    def sit(self, card: ClientCard, number: int, before: Seat | None = None) -> Seat:
        """Take a member in, in the place of ``before`` if that is its older connection, which writes nothing more."""
        seat = self.seats[card] = Seat(self, card, number)
        if before is not None:
            self.rise(before)
            self.put_back(before.give_back())
            seat.gaps = before.gaps
        self.line_up(seat)
        return seat

    def rise(self, seat: Seat) -> None:
        """Let a member go; what it has not confirmed stays with its seat."""
        self.seats.pop(seat.card, None)
        self._rota.take_out(seat)

    def line_up(self, seat: Seat) -> None:
        """Let a member wait for its turn, or not, as it has room."""
        if seat.has_room:
            self._rota.put(seat, len(seat.unconfirmed), seat.last_turn)
        else:
            self._rota.take_out(seat)

    @property
    def is_reached(self) -> bool:
        """Whether somebody in it has a connection."""
        return any(not card.is_away for card in self.seats)

    # --- events -------------------------------------------------------------------------------------------------

    def add(self, events: Sequence[Stored]) -> None:
        """Take the newest events."""
        self.waiting.extend(events)
        self._size += sum([len(text) for _, text in events])

    def put_back(self, events: Sequence[Stored]) -> None:
        """Take events, ascending, that a member did not get; they come before newer ones."""
        if not events:
            return
        if not self.waiting or events[-1] < self.waiting[0]:
            self.waiting.extendleft(reversed(events))
        else:
            self.waiting = deque(merge(events, self.waiting))
        self._size += sum([len(text) for _, text in events])

    def hand_out(self) -> dict[Seat, list[bytes]]:
        """Give what waits to those whose turn it is, as far as they have room: seat -> texts."""
        told: dict[Seat, list[bytes]] = {}
        while self.waiting and (seat := self._rota.next()) is not None:
            event = self.waiting.popleft()
            self._size -= len(event[1])
            self._n_turns += 1
            seat.tell(event, self._n_turns)
            told.setdefault(seat, []).append(event[1])
            self.line_up(seat)
        return told

    def trim(self) -> int:
        """Drop the oldest of what waits until it is within the bounds, and note it for each member.

        Returns:
            How many were dropped.
        """
        lost: list[Range] = []
        bounds, n_before = self._bounds, self.n_lost
        while len(self.waiting) > bounds.messages or (self._size > bounds.size_bytes and len(self.waiting) > 1):
            seq, text = self.waiting.popleft()
            self._size -= len(text)
            self.n_lost += 1
            if lost and lost[-1][1] + 1 == seq:
                lost[-1] = (lost[-1][0], seq)
            else:
                lost.append((seq, seq))
        if lost:
            self.has_gaps = True
            for seat in self.seats.values():
                _note_gaps(seat.gaps, lost)
        return self.n_lost - n_before

    def take_gaps(self) -> list[tuple[Seat, list[Range]]]:
        """Take what those who read now have to be told of what is lost."""
        due = [(seat, seat.gaps) for seat in self.seats.values() if seat.gaps and seat.is_ready]
        for seat, _ in due:
            seat.gaps = []
        self.has_gaps = any([seat.gaps for seat in self.seats.values()])
        return due


def _note_gaps(gaps: list[Range], lost: Sequence[Range]) -> None:
    """Append ranges, each joined to the last one where they touch."""
    for first, last in lost:
        if gaps and (gaps[-1][1] + 1 == first or len(gaps) >= MOST_GAPS):
            gaps[-1] = (min(gaps[-1][0], first), max(gaps[-1][1], last))
        else:
            gaps.append((first, last))

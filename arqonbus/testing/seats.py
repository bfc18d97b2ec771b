"""Seats: what one connection may see, by what it was answered so far. Says so to the ledger when it sees more or less.

A seat holds the seq that must come next: order, holes, repeats and replays are all one comparison with it.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from arqonbus.testing.ledger import Ledger
from arqonbus.testing.plan import Address
from arqonbus.testing.promises import Keeping, why_wrong

__all__ = ["Seat", "Seats"]


class Seat(Struct):
    """One channel that the connection is in. ``direct`` and ``star`` say by which joins."""

    epoch: str
    next: int  # seq that must come now
    direct: bool = False
    star: bool = False


class Seats:
    """Memberships of one connection.

    Args:
        who: its name in traces.
        ledger: of the run.
        keeping: of the run.
    """

    def __init__(self, who: str, ledger: Ledger, keeping: Keeping) -> None:
        self.by_address: dict[Address, Seat] = {}
        self.rooms: set[str] = set()  # joined as a whole
        self.seen: dict[Address, dict[str, Any]] = {}  # address -> position after the last event of a seat that ended
        self._doubtful: set[str] = set()  # rooms that may count this connection in for longer than it knows
        self._early: dict[Address, list[dict[str, Any]]] = {}  # events that came before the answer to a join of all
        self._overflows: dict[Address, str | None] = {}  # what the last join of each asked for, ``*`` for a room
        self._who = who
        self._ledger = ledger
        self._keeping = keeping

    # --- what comes -------------------------------------------------------------------------------------------------

    def event(self, event: dict[str, Any], opening: str | None) -> None:
        """See an event.

        Args:
            event: the envelope.
            opening: room whose join as a whole is in work: its events may come before the answer; None: no room.
        """
        address = (event["room"], event["channel"])
        seat = self.by_address.get(address)
        if seat is None:
            if opening == address[0]:
                self._early.setdefault(address, []).append(event)
            else:
                self._fail("membership", f"sees {_at(address)} {event['seq']}, but is not in it")
            return
        if event["seq"] != seat.next:
            self._fail("order", f"sees {_at(address)} {event['seq']} instead of {seat.next}")
        seat.next = event["seq"] + 1
        self._ledger.compare(self._who, address, seat.epoch, event)

    def gap(self, gap: dict[str, Any]) -> None:
        """Be told of lost events: those that must come now, and only where the join has asked for it."""
        address = (gap["room"], gap["channel"])
        seat = self.by_address.get(address)
        if seat is None:
            self._fail("membership", f"is told of a gap in {_at(address)}, but is not in it")
            return
        place = address if seat.direct else (address[0], "*")
        if gap["reason"] != self._overflows.get(place):
            self._fail("overflow", f"loses events of {_at(address)}: {gap['reason']}, which it had not asked for")
        if (gap["epoch"], gap["from"]) != (seat.epoch, seat.next) or gap["to"] < gap["from"]:
            self._fail("order", f"is told of the gap {_at(address)} {gap['from']} to {gap['to']} at {seat.next}")
        if self._ledger.entry(address, gap["epoch"], gap["to"]) is None:
            self._fail("stored", f"is told of the gap to {_at(address)} {gap['to']}, which was not stored")
        seat.next = gap["to"] + 1

    def created(self, address: Address, info: dict[str, Any], opening: str | None) -> None:
        """Be told of a new channel of a room."""
        if address[0] not in self.rooms and address[0] != opening:
            self._fail("membership", f"is told of {_at(address)}, but is not in the room")
        elif address in self.by_address:
            self._fail("membership", f"is told of a new {_at(address)}, but is in the old one")
        else:
            self.by_address[address] = Seat(info["epoch"], info["seq"] + 1, star=True)

    def deleted(self, address: Address) -> None:
        """Be told of the end of a channel, or (``*``) of the whole room."""
        room, channel = address
        self._doubtful.add(room)
        if channel == "*":
            self.left_all(room)
            return
        self._early.pop(address, None)
        self._end(address)

    def may_hear(self, room: str, opening: str | None) -> bool:
        """Whether a broadcast of the room may come."""
        in_it = room in self.rooms or room == opening or room in self._doubtful
        return in_it or any(address[0] == room for address in self.by_address)

    # --- what is answered -------------------------------------------------------------------------------------------

    def doubt(self, room: str) -> None:
        """A join failed half-way, or is in work: the room may have taken the connection in."""
        self._doubtful.add(room)

    def joined(self, address: Address, args: dict[str, Any], result: dict[str, Any]) -> None:
        """A join of one channel was answered ``ok``."""
        seat = self.by_address.get(address)
        if seat is not None and (seat.epoch, seat.next) != (result["epoch"], result["seq"] + 1):
            self._fail("order", f"joins {_at(address)} again at {result['seq']} and has seen {seat.next - 1}")
        wrong = why_wrong(args, result, self._keeping)
        if wrong is not None:
            self._fail("recovery", f"joins {_at(address)}: the answer {wrong}")
        self._overflows[address] = args.get("overflow")
        first = result["seq"] - result["replayed"] + 1
        self.by_address[address] = Seat(result["epoch"], first, True, seat is not None and seat.star)

    def joined_all(self, room: str, positions: list[dict[str, Any]], overflow: str | None = None) -> None:
        """A join of a whole room was answered ``ok``."""
        self.rooms.add(room)
        self._overflows[room, "*"] = overflow
        for position in positions:
            address = (room, position["channel"])
            seat = self.by_address.get(address)
            if seat is None:
                self.by_address[address] = Seat(position["epoch"], position["seq"] + 1, star=True)
            else:
                if seat.epoch != position["epoch"] or seat.next <= position["seq"]:
                    self._fail("order", f"joins {room}:* at {_at(address)} {position['seq']}, has {seat.next - 1}")
                seat.star = True
            for event in self._early.pop(address, ()):
                self.event(event, None)
        for address in self._early:
            self._fail("membership", f"saw {_at(address)} before a join of {room}:* that does not know of it")
        self._early.clear()

    def refused_all(self, room: str) -> None:
        """A join of a whole room was refused: it is in the room as before, by an earlier join or not at all."""
        self._early.clear()
        if room not in self.rooms:
            self.left_all(room)

    def left(self, address: Address) -> None:
        """A leave was answered ``ok``."""
        seat = self.by_address.get(address)
        if seat is not None:
            seat.direct = False
            if not seat.star:
                self._end(address)

    def left_all(self, room: str) -> None:
        """A leave of a whole room was answered ``ok``."""
        self.rooms.discard(room)
        for address, seat in list(self.by_address.items()):
            if address[0] == room and seat.star:
                seat.star = False
                if not seat.direct:
                    self._end(address)

    def hang_up(self) -> dict[Address, dict[str, Any]]:
        """End all. Returns the positions that were reached."""
        for address in list(self.by_address):
            self._end(address)
        return self.seen

    def _end(self, address: Address) -> None:
        seat = self.by_address.pop(address, None)
        if seat is not None:
            self.seen[address] = {"epoch": seat.epoch, "seq": seat.next - 1}

    def _fail(self, rule: str, what: str) -> None:
        self._ledger.fail(rule, f"{self._who} {what}")


def _at(address: Address) -> str:
    return ":".join(address)

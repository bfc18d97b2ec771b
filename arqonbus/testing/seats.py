"""Seats: what one connection may see, by what it was answered so far. Says so to the ledger when it sees more or less.

A seat holds the seq that must come next: order, holes, repeats and replays are all one comparison with it.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from arqonbus.testing.ledger import Ledger
from arqonbus.testing.plan import Address
from arqonbus.testing.promises import Keeping, why_wrong

__all__ = ["Asked", "Seat", "Seats"]

AS_BEFORE = "as before"  # what a membership bears that another connection of the client has asked for


class Asked(Struct, frozen=True):
    """One command under way."""

    id: str
    command: str
    args: dict[str, Any]
    n_ended: int = 0  # channels that had stopped by then where it joins


class Seat(Struct):
    """One channel that the connection is in. ``direct`` and ``star`` say by which joins."""

    epoch: str
    next: int  # seq that must come now
    direct: bool = False
    star: bool = False
    n_ended: int = 0  # channels that had stopped at this address when a join by name was asked for
    others: dict[str, str] = field(default_factory=dict)  # client -> what it was told of it last: joined, left, lost


class Seats:
    """Memberships of one connection.

    Args:
        who: its name in traces.
        ledger: of the run.
        keeping: of the run.
    """

    def __init__(self, who: str, ledger: Ledger, keeping: Keeping) -> None:
        self.by_address: dict[Address, Seat] = {}
        self.rooms: dict[str, int] = {}  # joined as a whole -> channels that had stopped there when that was asked for
        self.seen: dict[Address, dict[str, Any]] = {}  # address -> position after the last event of a seat that ended
        self.parted: set[Address] = set()  # channels and rooms (*) of whose end it was told
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

    def gap(self, gap: dict[str, Any], *, is_sure: bool = True) -> None:
        """Be told of lost events: those that must come now, and only where the join has asked for it.

        Not ``is_sure``: it is not known yet by which joins the connection is where it is.
        """
        address = (gap["room"], gap["channel"])
        seat = self.by_address.get(address)
        if seat is None:
            self._fail("membership", f"is told of a gap in {_at(address)}, but is not in it")
            return
        borne = self._overflows.get(address if seat.direct else (address[0], "*"))
        if is_sure and borne not in (gap["reason"], AS_BEFORE):
            self._fail("overflow", f"loses events of {_at(address)}: {gap['reason']}, which it had not asked for")
        if (gap["epoch"], gap["from"]) != (seat.epoch, seat.next) or gap["to"] < gap["from"]:
            self._fail("order", f"is told of the gap {_at(address)} {gap['from']} to {gap['to']} at {seat.next}")
        if self._ledger.entry(address, gap["epoch"], gap["to"]) is None:
            self._fail("stored", f"is told of the gap to {_at(address)} {gap['to']}, which was not stored")
        seat.next = gap["to"] + 1

    def created(self, address: Address, info: dict[str, Any], opening: str | None, *, is_sure: bool = True) -> None:
        """Be told of a new channel of a room; not ``is_sure``: it is not known yet in which rooms it is."""
        if is_sure and address[0] not in self.rooms and address[0] != opening:
            self._fail("membership", f"is told of {_at(address)}, but is not in the room")
        elif address in self.by_address:
            # The answer to a connect goes before what came while it was in work: it may be in the new one already.
            if is_sure or self.by_address[address].epoch != info["epoch"]:
                self._fail("membership", f"is told of a new {_at(address)}, but is in the old one")
        else:
            self.by_address[address] = Seat(info["epoch"], info["seq"] + 1, star=True)

    def deleted(self, address: Address) -> None:
        """Be told of the end of a channel, or (``*``) of the whole room."""
        room, channel = address
        self.parted.add(address)
        self._doubtful.add(room)
        if channel == "*":
            self.left_all(room)
            return
        self._early.pop(address, None)
        self._end(address)

    def told_of(self, address: Address, client: str, what: str) -> None:
        """Be told of a join or an end of somebody else: ``joined``, or the reason of the end.

        A client that is lost is never back under its id: while it may come back, nobody is told anything.
        """
        seat = self.by_address.get(address)
        if seat is None:
            return
        before, seat.others[client] = seat.others.get(client), what
        if before is None or address[0] in self._ledger.shaken:
            return
        if (what == "joined") == (before == "joined"):
            self._fail("presence", f"is told twice that {self._ledger.called(client)} {what} in {_at(address)}")
        elif before == "lost":
            self._fail("presence", f"is told that {self._ledger.called(client)}, who was lost, is in {_at(address)}")

    def may_hear(self, room: str, opening: str | None) -> bool:
        """Whether a broadcast of the room may come."""
        in_it = room in self.rooms or room == opening or room in self._doubtful
        return in_it or any(address[0] == room for address in self.by_address)

    # --- what is answered -------------------------------------------------------------------------------------------

    def answered(self, asked: Asked, code: str, result: dict[str, Any]) -> None:
        """A join or a leave is answered."""
        room, channel, is_join = asked.args["room"], asked.args["channel"], asked.command == "join_channel"
        if code != "ok":
            self._not_moved((room, channel), code, is_join)
        elif is_join and channel == "*":
            self.joined_all(room, result["positions"], asked.args.get("overflow"), asked.n_ended)
        elif is_join:
            self.joined((room, channel), asked.args, result, asked.n_ended)
        elif channel == "*":
            self.left_all(room)
        else:
            self.left((room, channel))

    def _not_moved(self, address: Address, code: str, is_join: bool) -> None:
        self.doubt(address[0])
        if is_join and address[1] == "*":
            self.refused_all(address[0])
        seat = self.by_address.get(address)
        knows = address[0] in self.rooms if address[1] == "*" else seat is not None and seat.direct
        if not is_join and code == "not_found" and knows:
            self._fail("membership", f"cannot leave {_at(address)}: the server forgot that it joined")

    def doubt(self, room: str) -> None:
        """A join failed half-way, or is in work: the room may have taken the connection in."""
        self._doubtful.add(room)

    def joined(self, address: Address, args: dict[str, Any], result: dict[str, Any], n_ended: int = 0) -> None:
        """A join of one channel was answered ``ok``; ``n_ended`` channels had stopped there when it was asked for."""
        seat = self.by_address.get(address)
        if seat is not None and (seat.epoch, seat.next) != (result["epoch"], result["seq"] + 1):
            self._fail("order", f"joins {_at(address)} again at {result['seq']} and has seen {seat.next - 1}")
        wrong = why_wrong(args, result, self._keeping)
        if wrong is not None:
            self._fail("recovery", f"joins {_at(address)}: the answer {wrong}")
        self._overflows[address] = args.get("overflow")
        first = result["seq"] - result["replayed"] + 1
        self.by_address[address] = Seat(result["epoch"], first, True, seat is not None and seat.star, n_ended)

    def joined_all(
        self, room: str, positions: list[dict[str, Any]], overflow: str | None = None, n_ended: int = 0
    ) -> None:
        """A join of a whole room was answered ``ok``; ``n_ended`` of its channels had stopped when it was asked for."""
        self.rooms[room] = n_ended
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

    def resumed(self, entry: dict[str, Any], following: int) -> None:
        """A channel was brought back, by which join is not known yet; the seq ``following`` comes next."""
        address = (entry["room"], entry["channel"])
        self.by_address[address] = Seat(entry["epoch"], following)
        self._overflows[address] = AS_BEFORE

    def settle(self, places: dict[Address, int]) -> None:
        """Learn by which joins the channels that were brought back are there.

        Args:
            places: memberships -> how many channels had stopped there when the server was asked for them.
        """
        self.rooms = {room: n_ended for (room, channel), n_ended in places.items() if channel == "*"}
        self._overflows |= {(room, "*"): AS_BEFORE for room in self.rooms}
        for address, seat in self.by_address.items():
            seat.direct, seat.star, seat.n_ended = address in places, address[0] in self.rooms, places.get(address, 0)
            if not seat.direct and not seat.star:
                self._fail("membership", f"was brought back to {_at(address)}, but is not in it")

    def left(self, address: Address) -> None:
        """A leave was answered ``ok``."""
        seat = self.by_address.get(address)
        if seat is not None:
            seat.direct = False
            if not seat.star:
                self._end(address)

    def left_all(self, room: str) -> None:
        """A leave of a whole room was answered ``ok``."""
        self.rooms.pop(room, None)
        for address, seat in list(self.by_address.items()):
            if address[0] == room and seat.star:
                seat.star = False
                if not seat.direct:
                    self._end(address)

    def positions(self) -> dict[Address, dict[str, Any]]:
        """Give the positions reached so far, also where it is no more."""
        here = {address: {"epoch": seat.epoch, "seq": seat.next - 1} for address, seat in self.by_address.items()}
        return {**self.seen, **here}

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

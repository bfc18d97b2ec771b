"""Shares: the session's part in groups. What a group gives it is written in the turn in which it comes, or given back.

Nothing of a group waits in a session: while its socket holds much, its share is for others. So a slow member is no slow
consumer for a group's sake, and what it has not been sent is never in doubt.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from arqonbus.actor import Ref
from arqonbus.routing.mail import Deliver, GroupMail, Joined, Ready, Sent, Share, Unsent
from arqonbus.routing.outbox import Outbox
from arqonbus.routing.socket import Socket

__all__ = ["NO_SHARES", "Shares"]

Address = tuple[str, str]
"""Room and channel."""


class _Door(Enum):
    """Whether a share can be written."""

    OPEN = "open"
    BUSY = "busy"  # the socket holds much, or an answer has to go first
    GONE = "gone"  # there is no connection


# Plain names: looking a member up on its class costs as much as the comparison it is for.
_OPEN, _BUSY, _GONE = _Door


class _Seat:
    """One membership of a group. Its round counts what was given back, as the channel's does."""

    __slots__ = ("door", "group", "has_refused", "n_written", "number", "ref", "round")

    def __init__(self, ref: Ref[Any], group: str, number: int) -> None:
        self.ref = ref  # of the channel
        self.group = group
        self.number = number  # that the channel gave it
        self.door = _OPEN  # as the channel was told
        self.round = 0
        self.n_written = 0  # events, in this turn
        self.has_refused = False  # in this turn; all that follows of the round is refused with it

    def tell(self, mail: GroupMail) -> None:
        """Tell the channel, if it is still there."""
        if self.ref.alive:
            self.ref.signal(mail)


class Shares:
    """What one session has to do with groups. Owned by it, used in its turns. Without a seat it does nothing."""

    __slots__ = ("_outbox", "_parting", "_put", "_seats")

    def __init__(self) -> None:
        self._seats: dict[Address, _Seat] = {}
        self._parting: list[_Seat] = []  # of memberships that are over, until the channel has the last word
        self._put: list[tuple[_Seat, Deliver]] = []  # into the outbox, in this turn
        self._outbox: Outbox | None = None  # into which

    @property
    def groups(self) -> dict[Address, str]:
        """The group of each membership that is in one."""
        return {address: seat.group for address, seat in self._seats.items()}

    def sit(self, mail: Joined) -> Shares:
        """Be a member of a group from here on, if that is what was joined. Returns what to use from now on."""
        if mail.group is None or mail.ref is None:
            return self
        if self is NO_SHARES:
            return Shares().sit(mail)
        address = (mail.room, mail.channel)
        seat = self._seats.get(address)
        if seat is None or seat.ref is not mail.ref:  # another ref: the channel was made anew
            self._seats[address] = _Seat(mail.ref, mail.group, mail.seat)
        return self

    def rise(self, address: Address) -> None:
        """Be a member no more: the next ``settle`` says the last word. Without effect when it is none."""
        seat = self._seats.pop(address, None)
        if seat is not None:
            seat.has_refused = True
            self._parting.append(seat)

    def take(self, share: Share, outbox: Outbox, socket: Socket) -> None:
        """Put a share into the outbox, if it will be written in this turn; else refuse its round."""
        seat = self._seats.get(share.address)
        if seat is None or (share.seat, share.round) != (seat.number, seat.round) or seat.has_refused:
            return  # the channel has it back, or will by this turn's last word
        if _door(outbox, socket) is _OPEN and outbox.backlog is not None:
            outbox.flush()  # in pieces: what is behind the piece that is too much waits, and a share must not
        if _door(outbox, socket) is not _OPEN:
            seat.has_refused = True
            return
        outbox.waiting.append(share.deliver)
        self._put.append((seat, share.deliver))
        self._outbox = outbox
        if outbox.backlog is not None:
            outbox.flush()  # one alone is written whole

    def settle(self, outbox: Outbox, socket: Socket) -> None:
        """Say what became of all shares.

        To be called when the outbox was flushed, at the end of each turn, and before it is replaced: with a socket that
        is not open, for then nothing that it holds will be written.
        """
        door = _door(outbox, socket)
        if self._outbox is not None:
            self._see_what_was_written(self._outbox, is_over=outbox is not self._outbox or door is _GONE)
        for seat in self._parting:
            _tell_of_writes(seat, door)
        self._parting.clear()
        for seat in self._seats.values():
            if door is not _OPEN and door is not seat.door:
                seat.has_refused = True
            _tell_of_writes(seat, door)
            if door is _OPEN and seat.door is not _OPEN:
                seat.tell(Ready(seat.number))
                seat.door = _OPEN

    def _see_what_was_written(self, outbox: Outbox, *, is_over: bool) -> None:
        """Count what was put into the outbox as written; but what it holds still, when it is over, as refused."""
        held = {id(entry) for entry in outbox.waiting} if is_over else ()
        for seat, deliver in self._put:
            if id(deliver) in held:
                seat.has_refused = True
            else:
                seat.n_written += len(deliver.texts)
        self._put.clear()
        self._outbox = None

    def close(self) -> None:
        """Say the last word of a session that ends: it writes nothing more."""
        for seat in (*self._parting, *self._seats.values()):
            seat.tell(Unsent(seat.number, True))
        self._seats.clear()
        self._parting.clear()
        self._put.clear()


NO_SHARES: Final = Shares()
"""Of a session that is in no group. Nobody sits there, so one serves all."""


def _tell_of_writes(seat: _Seat, door: _Door) -> None:
    """Tell the channel what was written, and what is given back."""
    if seat.n_written:
        seat.tell(Sent(seat.number, seat.n_written))
        seat.n_written = 0
    if seat.has_refused:
        seat.tell(Unsent(seat.number, door is _GONE))
        seat.round += 1
        seat.has_refused = False
        seat.door = _BUSY if door is _OPEN else door


def _door(outbox: Outbox, socket: Socket) -> _Door:
    if not socket.is_open:
        return _GONE
    return _BUSY if outbox.is_blocked or outbox.cork_at is not None else _OPEN

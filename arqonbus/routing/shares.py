"""Shares: the session's part in groups. What a group gives it is written in the turn in which it comes, or given back.

Nothing of a group waits in a session: while its socket holds much, its share is for others. So a slow member is no slow
consumer for a group's sake, and what it has not been sent is never in doubt.
"""

from __future__ import annotations

from typing import Any, Final

from arqonbus.actor import Ref
from arqonbus.routing.group_mail import Gone
from arqonbus.routing.mail import Deliver, GroupMail, Joined, Ready, Sent, Share, Unsent
from arqonbus.routing.outbox import Outbox
from arqonbus.routing.socket import NO_SOCKET, Socket

__all__ = ["NO_SHARES", "Shares"]

Address = tuple[str, str]
"""Room and channel."""


class _Seat:
    """One membership of a group. Its round counts what was given back, as the channel's does."""

    __slots__ = ("group", "has_refused", "is_gone", "is_shut", "n_written", "number", "ref", "round")

    def __init__(self, ref: Ref[Any], group: str, number: int) -> None:
        self.ref = ref  # of the channel
        self.group = group
        self.number = number  # that the channel gave it
        self.is_shut = False  # as the channel was told: it may take nothing now
        self.is_gone = False  # likewise: there is no connection any more
        self.round = 0
        self.n_written = 0  # events, in this turn
        self.has_refused = False  # in this turn; all that follows of the round is refused with it

    def tell(self, mail: GroupMail) -> None:
        """Tell the channel, if it is still there."""
        if self.ref.alive:
            self.ref.signal(mail)

    def tell_of_writes(self) -> None:
        """Tell the channel what was written, and that the rest is given back, if it is."""
        if self.n_written:
            self.tell(Sent(self.number, self.n_written))
            self.n_written = 0
        if self.has_refused:
            self.tell(Unsent(self.number))
            self.round += 1
            self.has_refused, self.is_shut = False, True


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
        if _is_open(outbox, socket) and outbox.backlog is not None:
            outbox.flush()  # in pieces: what is behind the piece that is too much waits, and a share must not
        if not _is_open(outbox, socket):
            seat.has_refused = True
            return
        outbox.waiting.append(share.deliver)
        self._put.append((seat, share.deliver))
        self._outbox = outbox
        if outbox.backlog is not None:
            outbox.flush()  # one alone is written whole

    def settle(self, outbox: Outbox, socket: Socket) -> None:
        """Say what became of all shares, and once when the connection is gone.

        To be called when the outbox was flushed, at the end of each turn.
        """
        if self._outbox is not None:
            self._see_what_was_written(self._outbox, is_over=outbox is not self._outbox)
        for seat in self._parting:
            seat.tell_of_writes()
        self._parting.clear()
        is_open = _is_open(outbox, socket)
        for seat in self._seats.values():
            if not (is_open or seat.is_shut):
                seat.has_refused = True
            seat.tell_of_writes()
            if socket is NO_SOCKET and not seat.is_gone:
                seat.is_gone = True
                seat.tell(Gone(seat.number))
            if is_open and seat.is_shut:
                seat.tell(Ready(seat.number))
                seat.is_shut = False

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
            seat.tell(Unsent(seat.number))
        self._seats.clear()
        self._parting.clear()
        self._put.clear()


NO_SHARES: Final = Shares()
"""Of a session that is in no group. Nobody sits there, so one serves all."""


def _is_open(outbox: Outbox, socket: Socket) -> bool:
    """Whether what is put into the outbox now is written in this turn."""
    return socket.is_open and not outbox.is_blocked and outbox.cork_at is None

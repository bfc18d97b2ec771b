"""Groups of a channel: their members share its events, each event goes to one of them.

The channel's part of the mail with sessions lives here; who gets what is decided in `group`, and what a session does
with its part in `shares`. An event is written to one member, or is owned to be lost: dropped because too much waited,
or because the last member of the group went.

channel ──Share───▶ session     to be written at once
        ◀──Sent────             so many were
        ◀──Unsent──             the rest was not and will not be: it waits for another member
        ◀──Ready───             go on
"""

from __future__ import annotations

from collections.abc import Sequence

from arqonbus.errors import Conflict, NotFound
from arqonbus.protocol.envelope import System
from arqonbus.protocol.payloads import Gap, GroupInfo, GroupInfoResult, LeftReason
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.fanout import deliver_one, deliver_texts
from arqonbus.routing.group import Group, GroupBounds, Seat
from arqonbus.routing.group_mail import AckWork, DescribeGroup, Gone, GroupCommand
from arqonbus.routing.hops import loaded
from arqonbus.routing.mail import GroupMail, Ready, Sent, Share
from arqonbus.routing.members import Member
from arqonbus.storage.history import Log
from arqonbus.telemetry.counters import Counters
from arqonbus.telemetry.logs import get_log
from arqonbus.telemetry.spans import Deliveries

__all__ = ["Groups", "about", "clash"]

MOST_TRACED = 64  # traced events kept for whom they will be written to; those older are written without a span

Traced = tuple[tuple[int, Deliveries], ...]
"""Seq and deliveries of traced events."""

_log = get_log("routing")


class Groups:
    """All groups of one channel. Owned by the channel, used in its turns; it speaks to the members in its name.

    Args:
        address: room and channel.
        log: of the channel.
        bounds: of each group.
        counters: of the process.
    """

    __slots__ = ("_address", "_bounds", "_by_name", "_by_number", "_counters", "_log", "_n_seats", "_seats", "_traced")

    def __init__(self, address: tuple[str, str], log: Log, bounds: GroupBounds, counters: Counters) -> None:
        self._address = address
        self._log = log
        self._bounds = bounds
        self._counters = counters
        self._by_name: dict[str, Group] = {}
        self._seats: dict[ClientCard, Seat] = {}
        self._by_number: dict[int, Seat] = {}  # with those that are left, but may still be writing
        self._n_seats = 0  # given so far
        self._traced: dict[bytes, tuple[int, Deliveries]] = {}  # by text: events that were not written long ago

    # --- events -------------------------------------------------------------------------------------------------

    def share(self, texts: Sequence[bytes], top: int, traced: Traced = ()) -> None:
        """Take a batch that was stored, the newest of which has the seq ``top``; ``hand_out`` is to follow.

        ``traced``: those of them that are traced.
        """
        for seq, deliveries in traced:
            self._traced[texts[seq - top - 1]] = (seq, deliveries)
            if len(self._traced) > MOST_TRACED:
                del self._traced[next(iter(self._traced))]
        events = list(enumerate(texts, top - len(texts) + 1))
        for group in self._by_name.values():
            group.add(events)

    def hand_out(self) -> None:
        """Tell members what waits for them. To be called at the end of each turn."""
        for group in self._by_name.values():
            if group.has_gaps:
                self._tell_gaps(group)
            if group.waiting:
                self._hand_out(group)
            elif group.n_lost:
                _log.warning("group_caught_up", **self._where(group), messages_lost=group.n_lost)
                group.n_lost = 0

    def _hand_out(self, group: Group) -> None:
        for seat, texts in group.hand_out().items():
            deliver = deliver_texts(texts)
            if self._traced:
                deliver = loaded(deliver, tuple([self._traced[text] for text in texts if text in self._traced]))
            seat.card.ref.signal(Share(self._address, seat.number, seat.round, deliver))
        n_dropped = group.trim() if group.waiting else 0
        if n_dropped:
            self._counters.group_lost += n_dropped
            if group.n_lost == n_dropped:  # the first of a row
                _log.warning("group_too_slow", **self._where(group), messages_lost=n_dropped)

    def _tell_gaps(self, group: Group) -> None:
        for seat, gaps in group.take_gaps():
            for first, last in gaps:
                gap = Gap(*self._address, self._log.epoch, first, last, "group_overflow")
                seat.card.ref.signal(deliver_one(System("gap", gap, *self._address)))

    # --- members ------------------------------------------------------------------------------------------------

    def join(self, name: str, card: ClientCard, old: ClientCard | None) -> int:
        """Take a member in. Without effect when it is in.

        Args:
            name: of the group; made if need be.
            card: of the member.
            old: of the connection of the same client that it continues, and that writes nothing any more; or itself.

        Returns:
            The number of its seat.
        """
        if card in self._seats:
            return self._seats[card].number
        group = self._by_name.get(name)
        if group is None:
            group = self._by_name[name] = Group(name, self._bounds)
        before = self._forget(old) if old is not None else None
        self._n_seats += 1
        seat = self._seats[card] = self._by_number[self._n_seats] = group.sit(card, self._n_seats, before)
        return seat.number

    def leave(self, card: ClientCard) -> None:
        """Let a member go that still has a session: what it does not write will come back with its last word."""
        self.hand_out()  # what came before the leave is shared with it
        seat = self._seats.pop(card, None)
        if seat is None:
            return
        seat.group.rise(seat)
        if not seat.unconfirmed:
            del self._by_number[seat.number]
        if not seat.group.seats:
            self._end(seat.group)

    def drop(self, card: ClientCard, reason: LeftReason = "lost") -> None:
        """Let a member go whose session is no more, for whatever reason."""
        seat = self._forget(card)
        if seat is None:
            return
        seat.group.rise(seat)
        seat.group.put_back(seat.give_back())
        if not seat.group.seats:
            self._end(seat.group)

    def note(self, mail: GroupMail) -> None:
        """Note what a member says; words of one that is forgotten are without effect."""
        seat = self._by_number.get(mail.seat)
        if seat is None:
            return
        if isinstance(mail, Sent):
            seat.confirm(mail.n)
            self._counters.messages_out += mail.n
        elif isinstance(mail, Ready):
            seat.is_ready = True
        elif isinstance(mail, Gone):
            return  # it has given back what it did not write
        else:
            seat.group.put_back(seat.give_back())
            seat.round += 1
            seat.is_ready = False
        if self._seats.get(seat.card) is seat:
            seat.group.line_up(seat)
        else:
            self._settle_parting(seat)

    def _settle_parting(self, seat: Seat) -> None:
        """Forget a member that left when all that it was told is settled; what it gave back is lost without a group."""
        if not seat.unconfirmed:
            del self._by_number[seat.number]
        if seat.group is not self._by_name.get(seat.group.name):
            self._lose(seat.group)

    def _forget(self, card: ClientCard) -> Seat | None:
        seat = self._seats.pop(card, None)
        if seat is not None:
            del self._by_number[seat.number]
        return seat

    def _end(self, group: Group) -> None:
        """Forget a group that nobody is in, and what waited in it."""
        del self._by_name[group.name]
        self._lose(group)

    def _lose(self, group: Group) -> None:
        if group.waiting:
            self._counters.group_lost += len(group.waiting)
            _log.warning("group_ended", **self._where(group), messages_lost=len(group.waiting))
            group.waiting.clear()

    # --- what it is like ----------------------------------------------------------------------------------------

    @property
    def n_reached(self) -> int:
        """How many groups have somebody with a connection."""
        return sum([group.is_reached for group in self._by_name.values()])

    def infos(self) -> tuple[GroupInfo, ...]:
        """Write all groups as clients read them, by name."""
        groups = sorted(self._by_name.items())
        return tuple([GroupInfo(name, len(group.seats), len(group.waiting)) for name, group in groups])

    def _where(self, group: Group) -> dict[str, str]:
        room, channel = self._address
        return {"room": room, "channel": channel, "group": group.name}


def about(mail: GroupCommand, address: tuple[str, str], infos: Sequence[GroupInfo]) -> GroupInfoResult:
    """Answer a command about a group of a channel that is not durable.

    Raises:
        NotFound: there is no such group.
        Conflict: what is asked is for durable groups.
    """
    name = mail.args.group if isinstance(mail, AckWork) else mail.group
    info = next((info for info in infos if info.group == name), None)
    if info is None:
        raise NotFound(f"no group {name} in this channel")
    if isinstance(mail, DescribeGroup):
        return GroupInfoResult(*address, name, info.members, info.waiting)
    raise Conflict("the channel is not durable: its groups have no acknowledgements, and end with their members")


def clash(member: Member | None, group: str | None, star: bool) -> Conflict | None:
    """Say why a client may not join as well as it has: it would get events twice. None: it may.

    Args:
        member: what it is already; None: nothing.
        group: that it asks for; None: every event.
        star: it asks for the whole room.
    """
    if member is None or (member.group == group and not star):
        return None
    if member.group is not None:
        return Conflict(f"the client is in the group {member.group} of this channel; leave the channel first")
    if group is not None:
        return Conflict("the client gets every event of this channel; leave it before joining a group of it")
    return None

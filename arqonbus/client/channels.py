"""Channels: what the bus has joined, for whom, and how far it is. Pure.

Each address has one membership on the wire, shared by its seats: one seat a handle. The first seat joins, the last one
leaves, a moment later. Rules R29 to R38 of docs/sdk-spec.md.

    subscribe ─▶ seat ─▶ membership ─join─▶ server        event ─▶ seats' feeds
                             └── over a reconnect: positions ─▶ connect ─▶ resumed ─┘
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any, TypeAlias

import msgspec
from msgspec import Raw

from arqonbus.client import backoff
from arqonbus.client.codec import EventIn
from arqonbus.client.errors import ClientError, OutcomeUnknown, SubscriptionEnded
from arqonbus.client.membership import Membership
from arqonbus.client.message import Gap
from arqonbus.client.positions import positions_of
from arqonbus.client.results import Join, Resumed
from arqonbus.client.roll import call_roll
from arqonbus.client.roster import Roster
from arqonbus.client.seat import Seat
from arqonbus.client.timers import Timers
from arqonbus.protocol import codes
from arqonbus.protocol.names import ALL_CHANNELS

__all__ = ["Ask", "Channels"]

Address: TypeAlias = tuple[str, str]
"""Room and channel; the channel may be `*`."""

Then: TypeAlias = Callable[[Raw | ClientError, float], None]


Ask: TypeAlias = Callable[[str, Mapping[str, Any], Then, float], None]
"""Runs a command for the SDK itself, with args, at a time; the answer comes to `then`, or never if the link is lost."""


class Channels:
    """The memberships of one bus.

    Args:
        ask: runs a command
        timers: of the bus
        linger_s: between the last handle's end and the leave
        random: for delays
    """

    def __init__(self, ask: Ask, timers: Timers, linger_s: float, random: backoff.Random) -> None:
        self._ask = ask
        self._timers = timers
        self._linger_s = linger_s
        self._random = random
        self._memberships: dict[Address, Membership] = {}
        self._order = count()
        self._is_up = False
        self._was_up = False  # there was a session, so new channels of a whole room may have come while away
        self._brought_back: list[Address] = []  # channels of a whole room, joined one by one by `connect`

    def __iter__(self) -> Iterator[Membership]:
        return iter(self._memberships.values())

    # --- handles come and go ----------------------------------------------------------------------------------------

    def subscribe(self, address: Address, seat: Seat, now: float) -> None:
        """Give a handle its seat. Raises ValueError: it does not agree with the others of its address."""
        membership = self._memberships.get(address)
        if membership is not None and not membership.suits(seat.wanted):
            self._leave(address, now)
            membership = None
        if membership is None:
            membership = self._memberships[address] = Membership(*address, seat.wanted)
        needs_join = membership.needs_join(seat)
        membership.add(seat)
        self._timers.cancel(("linger", address))
        if self._is_up and needs_join:
            self._join(membership, seat, now)
        elif membership.is_joined:
            membership.start_at_top(seat)

    def unsubscribe(self, address: Address, seat: Seat, now: float) -> None:
        """Take a seat away; the last one leaves the channel after the linger."""
        membership = self._memberships.get(address)
        if membership is None or seat not in membership.seats:
            return
        membership.remove(seat)
        if membership.seats:
            return
        if membership.group is not None:
            self._leave(address, now)  # at once: what it is given from now on is lost to the group
        else:
            self._timers.set(("linger", address), now + self._linger_s, partial(self._leave, address))

    def _leave(self, address: Address, now: float) -> None:
        membership = self._memberships.get(address)
        if membership is None or membership.seats:
            return
        del self._memberships[address]
        if self._is_up and (membership.is_joined or membership.joins):
            self._ask("leave_channel", _named(address), _ignore, now)

    def end(self, error: ClientError | None, *, at_once: bool) -> None:
        """End every handle, with or without what waits for its reader."""
        for membership in self._memberships.values():
            for seat in membership.seats:
                seat.end(error, at_once=at_once)

    def leave_all(self, now: float) -> None:
        """Leave every channel. Handles take what comes up to the answer, and end behind it."""
        for address, membership in list(self._memberships.items()):
            self._timers.cancel(("linger", address))
            self._timers.cancel(("rejoin", address))
            if self._is_up and (membership.is_joined or membership.joins):
                membership.is_leaving = True
                self._ask("leave_channel", _named(address), partial(self._left, membership), now)
            else:
                self._left(membership)

    def _left(self, membership: Membership, answer: Raw | ClientError | None = None, now: float = 0.0) -> None:
        self._memberships.pop(membership.address, None)
        for seat in membership.seats:
            seat.end(None, at_once=False)

    # --- joining ----------------------------------------------------------------------------------------------------

    def _join(self, membership: Membership, seat: Seat | None, now: float) -> None:
        """Join for a seat, or (None) for all that are there: anew, from where they are."""
        membership.joins += 1
        args = membership.join_args(seat)
        self._ask("join_channel", args, partial(self._joined, membership, seat), now)

    def _joined(self, membership: Membership, seat: Seat | None, answer: Raw | ClientError, now: float) -> None:
        membership.joins = max(0, membership.joins - 1)
        if isinstance(answer, ClientError):
            self._not_joined(membership, seat, answer, now)
            return
        result = msgspec.json.decode(answer, type=Join)
        if membership.is_whole_room:
            membership.joined_room(result, away=self._was_up and seat is None)
            self._leave_brought_back(membership.room, now)
        else:
            membership.joined(result, seat)
        call_roll(membership.seats, result, partial(self._list_members, membership), now)

    def _not_joined(self, membership: Membership, seat: Seat | None, error: ClientError, now: float) -> None:
        waiting = [] if membership.is_joined else [one for one in membership.seats if not one.wants_own_join]
        concerned = [one for one in membership.seats if seat is None or one is seat or one in waiting]
        may_pass = error.retryable or isinstance(error, OutcomeUnknown)
        if may_pass and any(one.has_started for one in concerned):
            self._retry(membership, now)
            return
        for one in concerned:
            one.end(error, at_once=False)
            self.unsubscribe(membership.address, one, now)
        if not membership.seats and not membership.is_joined and self._is_current(membership):
            self._timers.cancel(("linger", membership.address))
            del self._memberships[membership.address]

    def _is_current(self, membership: Membership) -> bool:
        return self._memberships.get(membership.address) is membership

    def _retry(self, membership: Membership, now: float) -> None:
        delay_s = backoff.delay_s(membership.attempt, self._random)
        membership.attempt += 1
        self._timers.set(("rejoin", membership.address), now + delay_s, partial(self._rejoin, membership))

    def _rejoin(self, membership: Membership, now: float) -> None:
        if self._is_up and membership.seats and not membership.joins and self._is_current(membership):
            self._join(membership, None, now)

    def _leave_brought_back(self, room: str, now: float) -> None:
        for address in [one for one in self._brought_back if one[0] == room]:
            self._brought_back.remove(address)
            if address not in self._memberships:
                self._ask("leave_channel", _named(address), _ignore, now)

    def _list_members(self, membership: Membership, cursor: str | None, then: Then, now: float) -> None:
        args = {**_named(membership.address), "limit": 1000}
        self._ask("members", args if cursor is None else {**args, "cursor": cursor}, then, now)

    # --- over a reconnect -------------------------------------------------------------------------------------------

    def lost(self) -> None:
        """The connection is gone, and with it whatever was asked for."""
        self._is_up = False
        self._brought_back.clear()
        for membership in list(self._memberships.values()):
            membership.lost()
            if membership.is_leaving:
                self._left(membership)

    def positions(self) -> list[dict[str, Any]]:
        """Say what `connect` is to bring back; notes what it asks for."""
        return positions_of(self._memberships.values())

    def connected(self, resumed: tuple[Resumed, ...], *, kept: bool, now: float) -> None:
        """Take in what came back, and join the rest."""
        self._is_up = True
        for entry in resumed:
            self._resumed(entry)
        if kept:
            self._brought_back.clear()  # the membership of the room came back itself
        for membership in list(self._memberships.values()):
            self._complete(membership, now)
        if kept:
            self._leave_unwanted(resumed, now)
        self._was_up = True

    def _resumed(self, entry: Resumed) -> None:
        room = self._memberships.get((entry.room, ALL_CHANNELS))
        own = self._memberships.get((entry.room, entry.channel))
        if entry.reason in codes.ERRORS:  # it was not joined; a membership of its own is joined anew below
            return
        if room is not None and entry.channel in room.asked:
            room.resumed(entry)
            self._brought_back.append((entry.room, entry.channel))
        if own is not None and (entry.channel in own.asked or own.group is not None and own.group == entry.group):
            own.resumed(entry)

    def _complete(self, membership: Membership, now: float) -> None:
        """Join what did not come back, and what came back without its options."""
        own = [seat for seat in membership.seats if seat.feed is not None and seat.wants_own_join]
        shared = len(membership.seats) - len(own)
        if shared and (not membership.is_joined or membership.has_options):
            membership.ignores = not membership.is_joined and membership.has_position
            self._join(membership, None, now)
        for seat in own:
            self._join(membership, seat, now)

    def _leave_unwanted(self, resumed: tuple[Resumed, ...], now: float) -> None:
        for entry in resumed:
            room, channel = entry.room, entry.channel
            if entry.reason in codes.ERRORS or (room, channel) in self._memberships:
                continue
            if (room, ALL_CHANNELS) not in self._memberships:
                self._ask("leave_channel", _named((room, channel)), _ignore, now)

    # --- what comes -------------------------------------------------------------------------------------------------

    def deliver(self, event: EventIn, size: int) -> bool:
        """Give an event to those who want it. False: nobody does."""
        own = self._memberships.get((event.room, event.channel))
        room = self._memberships.get((event.room, ALL_CHANNELS))
        if own is not None:
            own.deliver(event, size)
        if room is not None:
            room.deliver(event, size)
        return own is not None or room is not None

    def lose(self, room: str, channel: str, gap: Gap) -> None:
        """The server dropped a range for this client."""
        for membership in self._concerned(room, channel):
            membership.lose(channel, gap)

    def deleted(self, room: str, channel: str, reason: str) -> None:
        """The channel is gone; handles of it end, those of the whole room go on."""
        own = self._memberships.pop((room, channel), None)
        if own is not None:
            for seat in own.seats:
                seat.end(SubscriptionEnded(f"{room}:{channel} is gone: {reason}", code=reason), at_once=False)
        whole = self._memberships.get((room, ALL_CHANNELS))
        if whole is not None:
            whole.forget(channel)

    def created(self, room: str, channel: str, epoch: str, seq: int) -> None:
        """A room has a new channel: members of the whole room begin there."""
        whole = self._memberships.get((room, ALL_CHANNELS))
        if whole is not None:
            whole.begin(channel, epoch, seq)

    def rosters(self, room: str, channel: str) -> list[Roster]:
        """Give the rosters of those who follow who is there: in this channel, or (`*`) in the room."""
        membership = self._memberships.get((room, channel))
        seats = () if membership is None else membership.seats
        return [seat.roster for seat in seats if seat.roster is not None]

    def _concerned(self, room: str, channel: str) -> list[Membership]:
        found = (self._memberships.get((room, channel)), self._memberships.get((room, ALL_CHANNELS)))
        return [membership for membership in found if membership is not None]


def _named(address: Address) -> dict[str, str]:
    return {"room": address[0], "channel": address[1]}


def _ignore(answer: Raw | ClientError, now: float) -> None:
    """Nobody waits for the answer to a leave: that the client was no member is as good."""

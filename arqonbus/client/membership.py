"""Membership: one address on the wire, and the seats of the handles that share it. Pure.

A seat has a feed (a reader of events) or a roster (a reader of who is there). It has started once its position or its
snapshot is known. Rules R30 to R38 of docs/sdk-spec.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from arqonbus.client.codec import EventIn
from arqonbus.client.cursor import EPOCH_CHANGED, Outcome
from arqonbus.client.feed import Feed
from arqonbus.client.message import Gap
from arqonbus.client.results import Join, Resumed
from arqonbus.client.seat import Seat, Wanted
from arqonbus.protocol.names import ALL_CHANNELS
from arqonbus.protocol.payloads import Lost, Position

__all__ = ["Membership"]


class Membership:
    """One address, joined or to be joined.

    Args:
        room: its room
        channel: its channel, `*` for the whole room
        wanted: by the first handle; later ones must agree in group, overflow and recover
    """

    def __init__(self, room: str, channel: str, wanted: Wanted) -> None:
        self.room = room
        self.channel = channel
        self.address = (room, channel)
        self.is_whole_room = channel == ALL_CHANNELS
        self.seats: tuple[Seat, ...] = ()  # replaced, never changed: delivering goes over it
        self.is_joined = False  # on this connection
        self.is_leaving = False  # for good: events still come, up to the answer
        self.ignores = False  # events, until a join tells from where they come again
        self.joins = 0  # that were sent and are not answered
        self.attempt = 0  # joins that failed since the last one that did not
        self.asked: frozenset[str] = frozenset()  # channels that connect was asked to bring back
        self._wanted = wanted
        self._tops: dict[str, Position] = {}  # by channel: the newest event known

    @property
    def group(self) -> str | None:
        """The group that shares the events; None: every seat gets all."""
        return self._wanted.group

    # --- seats ------------------------------------------------------------------------------------------------------

    def suits(self, wanted: Wanted) -> bool:
        """Whether another handle can share this membership.

        Raises:
            ValueError: it cannot, and others need the membership as it is.
        """
        for field in ("group", "group_options", "overflow", "recover"):
            ours, theirs = getattr(self._wanted, field), getattr(wanted, field)
            if ours != theirs:
                if not self.seats:
                    return False
                where = f"{self.room}:{self.channel}"
                raise ValueError(f"{where} is subscribed with {field}={ours!r} already, so not with {theirs!r}")
        return True

    def add(self, seat: Seat) -> None:
        """Take a seat in."""
        self.seats = (*self.seats, seat)

    def remove(self, seat: Seat) -> None:
        """Take a seat out."""
        self.seats = tuple(one for one in self.seats if one is not seat)

    def needs_join(self, seat: Seat) -> bool:
        """Whether a seat that comes now needs a join of its own; asked before it is added."""
        if not self.is_joined and not self.joins:
            return True
        return seat.wants_own_join or (seat.wanted.presence and not self.wants_presence)

    def start_at_top(self, seat: Seat) -> None:
        """Start a seat where the channel is, without asking."""
        top = self._tops.get(self.channel)
        if seat.feed is not None and top is not None:
            seat.feed.begin(self.channel, top.epoch, top.seq, top.seq)
        seat.start()

    @property
    def wants_presence(self) -> bool:
        """Whether one of the seats wants to be told of joins and leaves."""
        return any(seat.wanted.presence for seat in self.seats)

    @property
    def has_options(self) -> bool:
        """Whether a membership that was brought back lacks something that only a join gives."""
        return self.wants_presence or self._wanted.overflow is not None

    # --- joining ----------------------------------------------------------------------------------------------------

    def join_args(self, seat: Seat | None) -> dict[str, Any]:
        """Write the args of a join for one seat, or (None) for all that are there."""
        wanted = self._wanted
        since, replay = None, None
        if seat is not None:
            since, replay = seat.wanted.since, seat.wanted.replay
        elif not self.is_joined and not self.is_whole_room:
            since = next((Position(epoch, seq) for _, epoch, seq in self._places()), None)
        args = {
            "room": self.room,
            "channel": self.channel,
            "since": since,
            "replay": replay,
            "recover": wanted.recover,
            "group": wanted.group,
            "group_options": wanted.group_options,
            "presence": self.wants_presence or None,
            "overflow": wanted.overflow,
            "create": wanted.create,
        }
        return {name: value for name, value in args.items() if value is not None}

    def joined(self, result: Join, seat: Seat | None) -> None:
        """Take in the answer to a join of the channel, made for one seat or (None) for all."""
        had_position, was_joined = self.has_position, self.is_joined
        self.is_joined, self.ignores, self.attempt = True, False, 0
        self._note(self.channel, result.epoch, result.seq)
        outcome = Outcome(result.epoch, result.seq, result.recovered, result.reason, result.lost, result.replayed)
        for one in self.seats:
            if one.feed is None:
                continue
            if one is seat:
                self._begin(one.feed, one.wanted.since, outcome)
            elif one.has_started and seat is None and had_position and not was_joined:
                one.feed.rejoin(self.channel, outcome)
            elif not one.has_started and not one.wants_own_join:
                one.feed.begin(self.channel, result.epoch, result.seq, result.seq)
            else:
                continue
            one.start()

    def _begin(self, feed: Feed, since: Position | None, outcome: Outcome) -> None:
        if since is None:
            feed.begin(self.channel, outcome.epoch, outcome.top - outcome.replayed, outcome.top)
        else:
            feed.begin(self.channel, since.epoch, since.seq, 0)
            feed.rejoin(self.channel, outcome)

    def joined_room(self, result: Join, *, away: bool) -> None:
        """Take in the answer to a join of the whole room.

        Args:
            result: with the position of each channel
            away: True: a channel that is not known began while the bus was away
        """
        self.is_joined, self.attempt = True, 0
        for seat in self.seats:
            seat.start()
        for place in result.positions:
            gap = Gap(1, place.seq, place.seq, "away", True, place.epoch) if away and place.seq else None
            self._note(place.channel, place.epoch, place.seq)
            for feed in self._feeds():
                cursor = feed.cursors.get(place.channel)
                if cursor is None:
                    feed.begin(place.channel, place.epoch, place.seq, 0, gap)
                elif cursor.epoch is None:  # its events came before this answer
                    cursor.epoch = place.epoch
                elif cursor.epoch != place.epoch:
                    lost = Lost(1, place.seq) if place.seq else None
                    feed.rejoin(place.channel, Outcome(place.epoch, place.seq, False, EPOCH_CHANGED, lost))

    def resumed(self, entry: Resumed) -> None:
        """Take in what connect brought back: this channel, or one of this room."""
        self.is_joined = not self.is_whole_room
        self._note(entry.channel, entry.epoch, entry.seq)
        outcome = Outcome(entry.epoch, entry.seq, entry.recovered, entry.reason, entry.lost)
        for seat in self.seats:
            if seat.feed is not None and seat.has_started and entry.channel in seat.feed.cursors:
                seat.feed.rejoin(entry.channel, outcome)
            elif not self.is_whole_room and not seat.wants_own_join:
                self.start_at_top(seat)

    # --- over a reconnect -------------------------------------------------------------------------------------------

    def lost(self) -> None:
        """The connection is gone."""
        self.is_joined, self.ignores, self.joins = False, False, 0
        self.asked = frozenset()
        for seat in self.seats:
            if seat.roster is not None:
                seat.roster.unknown()

    @property
    def has_position(self) -> bool:
        """Whether a join goes on from somewhere."""
        return not self.is_whole_room and next(self._places(), None) is not None

    def positions(self) -> Iterator[tuple[str, str, int]]:
        """Give what connect can bring back: channel, epoch and seq, each channel once."""
        if self._wanted.group is None and self._wanted.recover in (None, "strict"):
            yield from self._places()

    def _places(self) -> Iterator[tuple[str, str, int]]:
        """Give each channel with the place from which every reader has all that follows."""
        if self._wanted.group is not None:
            return
        found: dict[str, tuple[str, int]] = {}
        for seat in self.seats:
            if seat.feed is None or not seat.has_started:
                continue
            for channel, cursor in seat.feed.cursors.items():
                if cursor.epoch is None or cursor.seq is None:
                    continue
                known = found.get(channel)
                is_lower = known is not None and known[0] == cursor.epoch and cursor.seq < known[1]
                if known is None or is_lower:
                    found[channel] = (cursor.epoch, cursor.seq)
        for channel, (epoch, seq) in found.items():
            yield channel, epoch, seq

    # --- what comes -------------------------------------------------------------------------------------------------

    def deliver(self, event: EventIn, size: int) -> None:
        """Give an event to every reader that has started."""
        if self.ignores:
            return
        top = self._tops.get(event.channel)
        if top is not None and event.seq > top.seq:
            self._tops[event.channel] = Position(top.epoch, event.seq)
        for seat in self.seats:  # of a whole room events may come before the answer to the join
            if seat.feed is not None and (seat.has_started or self.is_whole_room):
                seat.feed.deliver(event, size)

    def lose(self, channel: str, gap: Gap) -> None:
        """A range is lost to every reader."""
        if self.ignores:
            return
        self._note(channel, gap.epoch or "", gap.last)
        for seat in self.seats:
            if seat.feed is not None and seat.has_started:
                seat.feed.lose(channel, gap)

    def begin(self, channel: str, epoch: str, seq: int) -> None:
        """A channel of the room was made: begin there, unless its events came before."""
        self._note(channel, epoch, seq)
        for feed in self._feeds():
            if channel not in feed.cursors:
                feed.begin(channel, epoch, seq, 0)

    def forget(self, channel: str) -> None:
        """A channel of the room is gone."""
        self._tops.pop(channel, None)
        for feed in self._feeds():
            feed.forget(channel)

    def _note(self, channel: str, epoch: str, seq: int) -> None:
        top = self._tops.get(channel)
        if top is None or top.epoch != epoch or seq > top.seq:
            self._tops[channel] = Position(epoch, seq)

    def _feeds(self) -> Iterator[Feed]:
        return (seat.feed for seat in self.seats if seat.feed is not None)

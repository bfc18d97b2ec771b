"""Core: everything that a bus decides, without I/O. Text, calls and time go in; text and effects come out.

    driver ─received, ended, tick─▶ ┌──────┐ ─Dial, HangUp─▶ driver
                                    │ Core │ ─next_text────▶ driver
    bus    ─send, subscribe, close▶ └──────┘ ─settle, wake──▶ bus, handles

It is made of the link (sessions), sending (outbox and calls), channels (memberships) and incoming (who gets what).
Clock and random are arguments, so a test drives it through a year in a second. Rules: docs/sdk-spec.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from arqonbus.client import backoff
from arqonbus.client.calls import Settle
from arqonbus.client.channels import Channels
from arqonbus.client.codec import Outgoing, ResponseIn, Unreadable, read
from arqonbus.client.errors import BusClosed, ClientError, InvalidRequest, NotConnected
from arqonbus.client.feed import Feed
from arqonbus.client.incoming import Incoming, SystemHook
from arqonbus.client.link import Link
from arqonbus.client.link_owner import LinkSettings
from arqonbus.client.outbox import Outbox
from arqonbus.client.results import Connected
from arqonbus.client.seat import Seat
from arqonbus.client.sending import Sending, Terms
from arqonbus.client.state import Dial, Effect, StateChange
from arqonbus.client.timers import Timers

__all__ = ["Core", "Hooks", "Settings", "Stats"]


class Settings(Struct, frozen=True):
    """Bounds of one bus. Times in seconds."""

    dial_timeout_s: float = 10.0
    has_token_function: bool = False
    outbox_messages: int = 256
    outbox_bytes: int = 1024 * 1024
    outbox_ttl_s: float = 30.0
    linger_s: float = 0.25


class Stats(Struct, frozen=True):
    """Counts of one bus since it was made, and how much waits now. Rule R50."""

    sent: int = 0  # frames
    received: int = 0  # frames
    dials: int = 0
    sessions: int = 0  # connects that were answered; all but the first are reconnects
    dropped: int = 0  # messages with when_offline="drop"
    expired: int = 0  # messages that waited too long to be sent
    unheard: int = 0  # messages that no handle wanted
    unreadable: int = 0  # frames
    outbox_messages: int = 0  # that wait, or are not answered
    outbox_bytes: int = 0


def _nothing(*_: object) -> None:
    """A hook that nobody set."""


class Hooks(Struct):
    """Who is told what. Called in the middle of the core's work: they may note, but not call back."""

    changed: Callable[[StateChange], None] = _nothing
    error: Callable[[ClientError], None] = _nothing
    system: SystemHook = _nothing
    room: Callable[[], None] = _nothing  # the outbox may have room again
    read_on: Callable[[], None] = _nothing  # the socket is to be read again


class Core:
    """The state of one bus.

    Args:
        settings: bounds
        random: for delays
        id_prefix: of message ids, unlike that of every other bus
        hooks: who is told what
    """

    def __init__(self, settings: Settings, random: backoff.Random, id_prefix: str, hooks: Hooks) -> None:
        self._hooks = hooks
        self._timers = Timers()
        outbox = Outbox(settings.outbox_messages, settings.outbox_bytes)
        self.sending = Sending(outbox, settings.outbox_ttl_s, self._timers, id_prefix, hooks.error, hooks.room)
        self.link = Link(LinkSettings(settings.dial_timeout_s, settings.has_token_function), self, self._timers, random)
        self.channels = Channels(self.sending.ask, self._timers, settings.linger_s, random)
        self.incoming = Incoming(self.link, self.channels, self.sending, hooks.system)
        self.profile: Mapping[str, Any] | None = None  # for the next connect
        self.debug: bool | None = None  # as above; None: not asked for
        self.will: Mapping[str, Any] | None = None
        self._full: set[int] = set()  # ids of feeds for which the socket is not read
        self._n_sent = self._n_received = self._n_dials = self._n_sessions = self._n_dropped = self._n_unreadable = 0

    # --- the driver's side ------------------------------------------------------------------------------------------

    def take_effects(self) -> list[Effect]:
        """Give what the driver is to do, in order, and forget it."""
        effects, self.link.effects = self.link.effects, []
        self._n_dials += sum(isinstance(effect, Dial) for effect in effects)
        return effects

    @property
    def next_at(self) -> float | None:
        """When `tick` is to be called; None: never."""
        return self._timers.next_at

    def tick(self, now: float) -> None:
        """Do what is due."""
        self._timers.run(now)

    def next_text(self, now: float) -> bytes | None:
        """Give the next frame to be written; None: none now."""
        link = self.link
        text = link.greeting or link.liveness.probe
        if text is not None:
            link.greeting = link.liveness.probe = None
        elif link.is_up:
            text = self.sending.next_text(now)
        self._n_sent += text is not None
        return text

    def opened(self, number: int, token: str | None, now: float) -> None:
        """The socket of a dial is open; the token was got for it."""
        self.link.opened(number, token, now)

    def dial_failed(self, number: int, error: Exception, now: float) -> None:
        """A dial led to no socket, or to no token."""
        self.link.dial_failed(number, error, now)

    def ended(self, number: int, code: int, reason: str, now: float) -> None:
        """The socket of a dial is closed; 1006: without a code."""
        self.link.ended(number, code, reason, now)

    def received(self, number: int, text: bytes, now: float) -> None:
        """Take in one frame of the socket of that dial."""
        if number != self.link.number:
            return
        self.link.liveness.heard(now)
        self._n_received += 1
        try:
            frame = read(text)
            if frame is None:
                return
            if not isinstance(frame, ResponseIn):
                self.incoming.take(frame, len(text), now)
            elif self.link.is_answer(frame):
                self.link.answered(frame, now)
            else:
                self.sending.answered(frame, now)
        except (Unreadable, msgspec.MsgspecError) as error:
            self._n_unreadable += 1
            self._hooks.error(InvalidRequest(f"the server sent what cannot be read: {error}", code="unreadable"))

    @property
    def is_paused(self) -> bool:
        """Whether the socket is not to be read now."""
        return bool(self._full)

    # --- what the link says -----------------------------------------------------------------------------------------

    def connect_args(self) -> dict[str, Any]:
        """Give profile, will and positions."""
        args: dict[str, Any] = {"profile": self.profile, "will": self.will, "debug": self.debug}
        positions = self.channels.positions()
        if positions:
            args["resume"] = {"positions": positions}
        return {name: value for name, value in args.items() if value is not None}

    def up(self, welcome: Connected, *, kept: bool, known: bool, now: float) -> None:
        """Bring back what was there, then send what was not answered, then what waits."""
        self._n_sessions += 1
        self.sending.max_message_bytes = welcome.limits.max_message_bytes
        self.sending.rewind(kept=kept, known=known, now=now)
        self.channels.connected(welcome.resumed, kept=kept, now=now)
        self.sending.begin()

    def down(self, now: float) -> None:
        """Give up what cannot be asked again."""
        self.channels.lost()
        self.sending.down(now)

    def over(self, error: ClientError | None) -> None:
        """Let everybody know that it is over."""
        self.sending.over(self.closed_error())
        ending = None if error is None else self.closed_error()
        self.channels.end(ending, at_once=error is None)
        for feed in self.incoming.feeds:
            (feed.close if error is None else feed.end)(ending)

    def changed(self, change: StateChange) -> None:
        """Pass a change on."""
        self._hooks.changed(change)

    def closed_error(self) -> ClientError:
        """Make the error for whoever calls after the end."""
        if not self.link.is_over:
            return BusClosed("the bus is draining")
        cause = self.link.error
        error = BusClosed("the bus is closed" if cause is None else f"the bus is closed: {cause.message}")
        error.__cause__ = cause
        return error

    # --- the user's side --------------------------------------------------------------------------------------------

    def send(self, envelope: Outgoing, text: bytes, terms: Terms, now: float, settle: Settle | None = None) -> bool:
        """Put a message into the outbox; False: it was dropped, as the terms say. See `Sending.send`.

        Raises:
            BusClosed: the bus is over, or being drained and this is a request
            NotConnected: away, and that is what the terms say
        """
        link = self.link
        if link.is_over or (link.is_draining and terms.is_request):
            raise self.closed_error()
        if not link.is_up and terms.when_offline == "reject":
            raise NotConnected(f"the bus is {link.state}")
        if not link.is_up and terms.when_offline == "drop":
            self._n_dropped += 1
            return False
        self.sending.send(envelope, text, terms, now, settle)
        return True

    def subscribe(self, address: tuple[str, str], seat: Seat, now: float) -> None:
        """Give a handle its seat. Raises BusClosed, ValueError."""
        self._check_open()
        if seat.feed is not None:
            self._watch(seat.feed)
        self.channels.subscribe(address, seat, now)

    def listen(self, feed: Feed, *, broadcasts: bool = False, room: str | None = None) -> None:
        """Give a feed private messages, or the broadcasts of a room (None: of all). Raises BusClosed."""
        self._check_open()
        self._watch(feed)
        if broadcasts:
            self.incoming.broadcasts = (*self.incoming.broadcasts, (room, feed))
        else:
            self.incoming.inboxes = (*self.incoming.inboxes, feed)

    def ignore(self, feed: Feed) -> None:
        """Give a feed nothing more."""
        incoming = self.incoming
        incoming.inboxes = tuple(one for one in incoming.inboxes if one is not feed)
        incoming.broadcasts = tuple(pair for pair in incoming.broadcasts if pair[1] is not feed)

    def _check_open(self) -> None:
        if self.link.is_over or self.link.is_draining:
            raise self.closed_error()

    def _watch(self, feed: Feed) -> None:
        feed.on_full, feed.on_room = self._stop_reading, self._read_on

    def _stop_reading(self, feed: Feed) -> None:
        self._full.add(id(feed))
        self.link.liveness.is_paused = True

    def _read_on(self, feed: Feed) -> None:
        self._full.discard(id(feed))
        if not self._full:
            self.link.liveness.is_paused = False
            self._hooks.read_on()

    def stats(self) -> Stats:
        """Count."""
        return Stats(
            self._n_sent,
            self._n_received,
            self._n_dials,
            self._n_sessions,
            self._n_dropped,
            self.sending.expired,
            self.incoming.unheard,
            self._n_unreadable,
            *self.sending.depth,
        )

    def drain(self, now: float) -> None:
        """Begin the end: leave everything; what waits is still sent."""
        self.link.drain()
        self.channels.leave_all(now)
        for feed in self.incoming.feeds:
            feed.end()

    def close(self, now: float) -> None:
        """End now."""
        self.link.close(now)

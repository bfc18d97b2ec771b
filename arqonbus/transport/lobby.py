"""Lobby: what all connections of one listener share.

Here live the admission of new connections (half-open bounds), the counters, the clock and wheel that the listener's
timer moves, the one read buffer and the settings. No policy about sessions. Owned by the listener.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from arqonbus.actor import Ref
from arqonbus.protocol.codec import encode
from arqonbus.protocol.envelope import System
from arqonbus.protocol.frames import text_frame
from arqonbus.protocol.shapes import Empty
from arqonbus.routing.mail import Deliver, SessionMail
from arqonbus.routing.socket import Hello, Socket
from arqonbus.transport.handshake import Handshake
from arqonbus.transport.keepalive import Clock, Wheel, tick_for

__all__ = ["READ_BYTES", "TROUBLES", "Guest", "Limits", "Lobby", "OpenSession", "Statistics", "Timeouts", "hang_up"]

# One read. 256 KiB, the default of asyncio, full of tiny frames holds the loop for 340 ms; 16 KiB for about 20 ms.
READ_BYTES: Final = 16384

_LATE_S: Final = 1.0  # between two ticks, which are a quarter of that at most

OpenSession = Callable[[Socket, Hello], Ref[SessionMail]]
"""Makes the session of a client whose handshake is over. Must not raise and not wait."""


class Guest(Protocol):
    """A connection as the lobby sees it: a `Greeting` first, a `Connection` once its handshake is over."""

    slot: int
    """See keepalive.Timed."""

    def due(self, now: float) -> None:
        """Look after the deadline that was put into the wheel; must bear to be called after it is gone."""

    def abort(self) -> None:
        """Cut the connection."""


class Timeouts(msgspec.Struct, frozen=True):
    """How long a connection may take, in seconds; all above 0."""

    handshake_s: float = 5.0
    """From accept to the end of the HTTP head, in total; with TLS as long again for its own handshake."""
    close_s: float = 1.0
    """From our close frame to the end of the connection."""
    heartbeat_s: float = 20.0
    """Of silence: ours, then a heartbeat is sent; the client's, then a ping."""
    pong_s: float = 10.0
    """From that ping to any byte of the client."""


class Limits(msgspec.Struct, frozen=True):
    """How much a connection, or all of them, may take; all above 0."""

    message_bytes: int = 1_048_576
    """Largest message of a client, after inflating."""
    connections: int = 10_000
    """Open WebSockets; one more is accepted and closed with 4102."""
    half_open: int = 2_000
    """Connections without a finished handshake; one more is cut at once."""
    half_open_per_ip: int = 64
    """Of these, from one address. Does not hold for the Unix socket."""
    handshake_bytes: int = 16_384
    """HTTP head; a longer one is answered 431."""
    outbox_bytes: int = 4_194_304
    """Bytes held for a peer above which a close is a cut: nobody waits behind that much."""
    control_rate: float = 20.0
    """Pings and pongs a second that a client may send; above the burst it is cut."""
    control_burst: int = 60
    """Pings and pongs at once."""


class Statistics(msgspec.Struct):
    """Counters of one listener since it started, and how it stands now."""

    open: int = 0
    """WebSockets with a session, now."""
    half_open: int = 0
    """Connections without one, now: in the handshake, or being refused."""
    accepted: int = 0
    """Connections taken from the system."""
    opened: int = 0
    """WebSockets that got a session."""
    refused_half_open: int = 0
    """Cut at accept: too many half-open ones, in all."""
    refused_half_open_per_ip: int = 0
    """Cut at accept: too many half-open ones of that address."""
    refused_connections: int = 0
    """Closed with 4102."""
    refused_handshakes: int = 0
    """Answered with a 4xx or 5xx."""
    tls_failures: int = 0
    """Ended, or went wrong, in the TLS handshake."""
    handshake_timeouts: int = 0
    """Sent no whole HTTP head in time."""
    control_floods: int = 0
    """Cut for too many pings or pongs."""
    protocol_errors: int = 0
    """Failed: broken framing, too big, binary, not UTF-8."""
    no_pong: int = 0
    """Closed with 4103."""
    close_timeouts: int = 0
    """Cut since the peer did not finish its close."""
    bytes_in: int = 0
    """Read from open WebSockets."""
    bytes_out: int = 0
    """Frames that were written to them."""


TROUBLES: Final = tuple(
    name
    for name in Statistics.__struct_fields__
    if name not in ("open", "half_open", "accepted", "opened", "bytes_in", "bytes_out")
)
"""The counters of what went wrong with clients."""


class Traffic:
    """Bytes of all connections since the start. Plain slots: they are added to with every read and write."""

    __slots__ = ("came", "went")

    def __init__(self) -> None:
        """Start at zero."""
        self.came = 0
        self.went = 0


class Lobby:
    """Shared by the connections of one listener; see the module."""

    def __init__(
        self,
        open_session: OpenSession,
        handshake: Handshake,
        limits: Limits,
        timeouts: Timeouts,
        time: Callable[[], float],
    ) -> None:
        """Start empty.

        Args:
            open_session: See `OpenSession`.
            handshake: Decides on HTTP heads.
            limits: Bounds.
            timeouts: Durations.
            time: The loop's monotonic clock, seconds.
        """
        self.open_session = open_session
        self.handshake = handshake
        self.limits = limits
        self.timeouts = timeouts
        self.time = time
        self.buffer = memoryview(bytearray(READ_BYTES))
        """Filled by the loop and read out before it returns to any other connection, so one is enough for all."""
        self.clock = Clock(time())
        self.tick_s = tick_for(timeouts.handshake_s, timeouts.close_s, timeouts.heartbeat_s, timeouts.pong_s)
        span_s = max(timeouts.handshake_s, timeouts.close_s, timeouts.heartbeat_s, timeouts.pong_s)
        self.wheel: Wheel[Guest] = Wheel(time(), self.tick_s, min(span_s, 60.0))
        self.heartbeat = _heartbeat()
        self.is_draining = False
        self.counters = Statistics()
        """The counting half of it; the rest is filled in by `statistics`."""
        self.traffic = Traffic()
        self.guests: set[Guest] = set()
        """All that are not gone, half-open ones included."""
        self._half_open_by_ip: dict[str, int] = {}
        self._half_open = 0
        self._was_late = False  # the last tick

    def enter(self, guest: Guest, ip: str) -> bool:
        """Let a new connection in as half-open, or say no.

        Args:
            guest: New.
            ip: Address of the peer; "" (the Unix socket) has no bound of its own.
        """
        self.counters.accepted += 1
        if self._half_open >= self.limits.half_open:
            self.counters.refused_half_open += 1
            return False
        n_of_ip = self._half_open_by_ip.get(ip, 0)
        if ip and n_of_ip >= self.limits.half_open_per_ip:
            self.counters.refused_half_open_per_ip += 1
            return False
        self._half_open += 1
        self._half_open_by_ip[ip] = n_of_ip + 1
        self.guests.add(guest)
        return True

    @property
    def is_full(self) -> bool:
        """Whether there are as many open WebSockets as there may be."""
        return len(self.guests) - self._half_open >= self.limits.connections

    def swap(self, old: Guest, new: Guest) -> None:
        """Let another object stand for a guest: the same connection, one step on."""
        self.wheel.remove(old)
        self.guests.discard(old)
        self.guests.add(new)

    def promote(self, greeting: Guest, connection: Guest, ip: str) -> None:
        """Count a guest of `enter` as open, under its new shape."""
        self.counters.opened += 1
        self.swap(greeting, connection)
        self._leave_half_open(ip)

    def leave(self, guest: Guest, ip: str, *, was_half_open: bool) -> None:
        """Forget a guest of `enter` or `promote`."""
        self.guests.discard(guest)
        self.wheel.remove(guest)
        if was_half_open:
            self._leave_half_open(ip)

    def tick(self) -> None:
        """Move the clock, and let every connection that is due look after itself."""
        before, self.clock.now = self.clock.now, self.time()
        now = self.clock.now
        if now - before > _LATE_S and not self._was_late:
            self._was_late = True  # the process slept: let it read what came meanwhile before it calls anybody dead
            return
        self._was_late = False
        for guest in self.wheel.advance(now):
            guest.due(now)

    def statistics(self) -> Statistics:
        """Copy the counters, with how it stands now."""
        n_open = len(self.guests) - self._half_open
        now = {
            "open": n_open,
            "half_open": self._half_open,
            "bytes_in": self.traffic.came,
            "bytes_out": self.traffic.went,
        }
        return msgspec.structs.replace(self.counters, **now)

    @property
    def n_troubles(self) -> int:
        """Sum of `TROUBLES`."""
        return sum(getattr(self.counters, name) for name in TROUBLES)

    def _leave_half_open(self, ip: str) -> None:
        self._half_open -= 1
        n_of_ip = self._half_open_by_ip[ip] - 1
        if n_of_ip:
            self._half_open_by_ip[ip] = n_of_ip
        else:
            del self._half_open_by_ip[ip]


def _heartbeat() -> Deliver:
    text = encode(System(event="heartbeat", payload=Empty()))
    return Deliver(text_frame(text), (text,))


def hang_up(transport: asyncio.Transport) -> None:
    """End our side, and leave the peer time to read our last words.

    Closing at once, with bytes of the peer unread, would make the system send a reset, which can overtake them. Over
    TLS the transport's own close waits.
    """
    if transport.is_closing():
        return
    if transport.can_write_eof():
        transport.write_eof()
    else:
        transport.close()

"""Connection: one open WebSocket, between the event loop and its session.

Here live reading, writing, back-pressure, the close handshake and keepalive. It decides nothing about content: text
goes through `protocol.codec` to the session, ready bytes come back through `write`.

| state | reads | deadline | leaves |
|---|---|---|---|
| OPEN | messages, to the session | keepalive | close(): CLOSING; peer's close, failure: LEAVING |
| CLOSING | only the peer's close frame counts | close_s: cut | peer's close, failure: LEAVING |
| LEAVING | nothing, all is thrown away | close_s: cut | connection_lost: GONE |

No task and no timer of its own. It lives from the end of the handshake to `connection_lost`; then the session hears
`Lost`, exactly once.
"""

import asyncio
import enum
from collections.abc import Sequence
from typing import Final

from websockets.extensions import Extension

from arqonbus.actor import Ref
from arqonbus.errors import Refusal
from arqonbus.protocol import codes
from arqonbus.protocol.codec import NotUtf8, decode
from arqonbus.routing.mail import Inbound, Invalid, Lost, SessionMail, Writable
from arqonbus.routing.socket import Hello
from arqonbus.telemetry.logs import get_log
from arqonbus.transport.keepalive import Bucket, Pulse
from arqonbus.transport.lobby import Lobby, hang_up
from arqonbus.transport.wire import PING_FRAME, Scanner, close_frame

__all__ = ["Connection", "State"]

_WRITE_HIGH_BYTES: Final = 65536  # held by the transport before it says stop; asyncio's own default, said for TLS too


class State(enum.Enum):
    """See the table of the module."""

    OPEN = enum.auto()
    CLOSING = enum.auto()
    LEAVING = enum.auto()
    GONE = enum.auto()


# Plain names: looking a member up on its class costs as much as the comparison it is for.
_OPEN, _CLOSING, _LEAVING, _GONE = State


class Connection(asyncio.BufferedProtocol):
    """Implements `routing.socket.Socket` and `wire.Sink`. Owned by the event loop; its session holds it as a Socket."""

    __slots__ = (
        "_congested",
        "_controls",
        "_end",
        "_ip",
        "_lobby",
        "_pong",
        "_pulse",
        "_scanner",
        "_session",
        "_stalled",
        "_state",
        "_transport",
        "slot",
    )

    def __init__(self, lobby: Lobby, transport: asyncio.Transport, ip: str, extensions: Sequence[Extension]) -> None:
        """Take over a transport whose handshake is over; `start` follows at once."""
        self.slot = -1  # the wheel's
        self._lobby = lobby
        self._transport = transport
        self._ip = ip  # as it was admitted
        self._state = _OPEN
        self._scanner = Scanner(lobby.limits.message_bytes, extensions)
        self._session: Ref[SessionMail] | None = None
        self._stalled: Inbound | Invalid | None = None  # the mail that the session had no room for
        self._congested = False  # the transport said stop writing
        self._pong = b""  # the newest pong, while congested
        self._pulse = Pulse(lobby.clock.now)
        self._controls: Bucket | None = None  # made with the first control frame; many clients never send one
        self._end = (codes.NO_CLOSE_FRAME, "")  # code and reason that Lost will say: of who closed first
        transport.set_write_buffer_limits(high=_WRITE_HIGH_BYTES)

    def start(self, hello: Hello, rest: bytes) -> None:
        """Make the session and read what came with the handshake."""
        try:
            self._session = self._lobby.open_session(self, hello)
        except Exception as error:  # noqa: BLE001 - the edge: logged once, turned into a verdict
            self._broken(error)
            return
        if self._state is _OPEN:
            self._lobby.wheel.put(self, self._lobby.timeouts.heartbeat_s)
        self._read(rest)

    # --- Socket: called by the session ------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether what is written now is sent; see Socket."""
        return self._state is _OPEN

    def write(self, chunk: bytes, texts: Sequence[bytes]) -> bool:
        """Send ready frames; see Socket. After a close nothing is sent and the answer is False."""
        if self._state is not _OPEN:
            return False
        lobby = self._lobby
        self._pulse.said = lobby.clock.now
        if self._scanner.is_compressed:
            chunk = self._scanner.send(texts)
        lobby.traffic.went += len(chunk)
        self._transport.write(chunk)
        return not self._congested

    def buffered_bytes(self) -> int:
        """Bytes that the transport holds for the peer; see Socket."""
        return 0 if self._state is _GONE else self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Start the close handshake; see Socket. Cuts at once when more than the outbox bound is waiting to be sent."""
        if self._state is not _OPEN:
            return
        self._state, self._end = _CLOSING, (code, reason)
        if self.buffered_bytes() > self._lobby.limits.outbox_bytes:
            self.abort()
            return
        self._transport.write(close_frame(code, reason))
        self._lobby.wheel.put(self, self._lobby.timeouts.close_s)
        if self._stalled is not None:
            self._stalled = None  # nobody wants it any more, but the peer's close frame may be behind it
            self._transport.resume_reading()
            self._read(b"")

    def abort(self) -> None:
        """Cut the connection now; see Socket."""
        if self._state is not _GONE:
            self._leave()
            self._transport.abort()

    # --- BufferedProtocol: called by the loop -------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend the buffer that all connections share."""
        return self._lobby.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Read what came."""
        lobby = self._lobby
        self._pulse.heard = lobby.clock.now
        lobby.traffic.came += nbytes
        if self._state is _OPEN and self._stalled is None:  # as in _read, without a call and a copy
            try:
                self._scanner.feed(lobby.buffer, nbytes, self)
            except Exception as error:  # noqa: BLE001 - the edge: logged once, turned into a verdict
                self._broken(error)
        else:
            self._read(bytes(lobby.buffer[:nbytes]))

    def eof_received(self) -> None:
        """Take note that the peer sends no more: the transport closes itself when its buffer is empty."""
        if self._state is not _LEAVING:
            self._leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything, and tell the session."""
        self._state = _GONE
        self._scanner.drop()
        self._stalled = None
        self._lobby.leave(self, self._ip, was_half_open=False)
        session, self._session = self._session, None
        if session is not None and session.alive:  # else it ended the connection itself
            session.signal(Lost(*self._end))

    def pause_writing(self) -> None:
        """Note that the transport holds enough."""
        self._congested = True

    def resume_writing(self) -> None:
        """Tell the session that the transport drained."""
        self._congested = False
        if self._state is not _OPEN:
            return
        if self._pong:
            self._transport.write(self._pong)
            self._pong = b""
        if self._session is not None:
            self._session.signal(Writable())

    # --- Sink: called by the scanner ----------------------------------------------------------------------------------

    def text(self, payload: bytes) -> bool:
        """Decode one message for the session. While closing, messages are thrown away."""
        session = self._session
        if self._state is not _OPEN or session is None:
            return self._state is not _LEAVING
        size = len(payload)
        mail: Inbound | Invalid
        try:
            mail = Inbound(decode(payload), size)
        except Refusal as refusal:
            # The traceback would hold the payload and every frame of the stack for as long as the mail lives.
            refusal.__cause__ = refusal.__context__ = None
            mail = Invalid(refusal.with_traceback(None))
        except NotUtf8 as error:
            self.failed(codes.NOT_UTF8, str(error))
            return False
        return session.tell(mail, size) or self._stall(mail, session)

    def control(self, reply: bytes) -> bool:
        """Answer a ping; cut a peer that sends too many pings or pongs."""
        now, limits = self._lobby.time(), self._lobby.limits
        if self._controls is None:
            self._controls = Bucket(now, limits.control_burst)
        if not self._controls.take(now, limits.control_rate, limits.control_burst):
            self._lobby.counters.control_floods += 1
            if self._state is _OPEN:
                self._end = (codes.NO_CLOSE_FRAME, "too many control frames")
            self.abort()
            return False
        if reply and self._state is _OPEN:
            if self._congested:
                self._pong = reply  # RFC 6455 5.5.3 allows to answer the newest ping only, so nothing can pile up
            else:
                self._transport.write(reply)
        return True

    def closed(self, code: int, reason: str, reply: bytes) -> None:
        """Finish the close handshake: the server ends the TCP connection (RFC 6455 7.1.1)."""
        if self._state is _OPEN:
            self._end = (code, reason)
            self._transport.write(reply)
        self._leave()
        self._transport.close()

    def failed(self, code: int, reason: str) -> None:
        """Tell the peer which rule it broke, and listen no more."""
        self._lobby.counters.protocol_errors += 1
        self._fail(code, reason)

    # --- Timed: called by the listener's timer ------------------------------------------------------------------------

    def due(self, now: float) -> None:
        """Look after the deadline of the state."""
        if self._state is _OPEN:
            self._keep_alive(now)
        elif self._state is not _GONE:
            self._lobby.counters.close_timeouts += 1
            self.abort()

    def _keep_alive(self, now: float) -> None:
        timeouts = self._lobby.timeouts
        beat = self._pulse.beat(now, timeouts.heartbeat_s, timeouts.pong_s, is_reading=self._stalled is None)
        if beat.dead:
            self._lobby.counters.no_pong += 1
            self.close(codes.NO_PONG, "no answer to a ping")
            return
        if beat.heartbeat and self._session is not None and not self._congested:  # what it has not read will do
            self._session.signal(self._lobby.heartbeat)
        if beat.ping:
            self._transport.write(PING_FRAME)
        self._lobby.wheel.put(self, beat.next_s)

    def _read(self, data: bytes) -> None:
        if self._state is _LEAVING or self._state is _GONE:
            return
        try:
            if self._stalled is None:
                self._scanner.feed(data, len(data), self)
            else:
                self._scanner.hold(data)
        except Exception as error:  # noqa: BLE001 - the edge: logged once, turned into a verdict
            self._broken(error)

    def _stall(self, mail: Inbound | Invalid, session: Ref[SessionMail]) -> bool:
        """Stop reading until the session has room for the mail. Returns whether to go on after all."""
        if not session.alive:
            self.close(codes.INTERNAL_ERROR, "the session ended")
            return True
        self._stalled = mail
        self._transport.pause_reading()
        session.on_room(self._go_on)
        return False

    def _go_on(self) -> None:
        """Tell the mail that waited, then read on."""
        mail, session = self._stalled, self._session
        if mail is None or session is None or self._state is not _OPEN:
            return
        self._stalled = None
        if session.tell(mail, mail.size if isinstance(mail, Inbound) else 0) or self._stall(mail, session):
            self._read(b"")
        if self._stalled is None and self._state is _OPEN:
            self._pulse.heard = self._lobby.clock.now
            self._transport.resume_reading()

    def _broken(self, error: Exception) -> None:
        """Turn a fault of ours into a verdict: logged once, told to the peer without details."""
        get_log("transport").error("connection_failed", error=error)
        self._fail(codes.INTERNAL_ERROR, "internal error")

    def _fail(self, code: int, reason: str) -> None:
        if self._state is _OPEN:
            self._end = (code, reason)
            self._transport.write(close_frame(code, reason))
        self._leave()
        hang_up(self._transport)

    def _leave(self) -> None:
        self._state = _LEAVING
        self._scanner.drop()
        self._stalled = None
        self._lobby.wheel.put(self, self._lobby.timeouts.close_s)

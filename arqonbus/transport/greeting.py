"""Greeting: one new connection, from accept to the end of its handshake.

Reads the HTTP head, has `handshake` decide, and either hands the transport to a `Connection` or answers and leaves. It
counts as half-open until it is gone or handed over. The whole of it has one deadline, so sending slowly buys nothing.
"""

import asyncio
from typing import cast

from arqonbus.protocol import codes
from arqonbus.telemetry.logs import get_log
from arqonbus.transport.connection import Connection
from arqonbus.transport.handshake import Accept, Answer, bad_request, head_end, timed_out, too_large
from arqonbus.transport.lobby import Guest, Lobby, hang_up
from arqonbus.transport.wire import close_frame

__all__ = ["Greeting", "address_of"]


class Greeting(asyncio.BufferedProtocol):
    """Owned by the event loop; gone when it hands over."""

    __slots__ = ("_before", "_head", "_ip", "_is_in", "_is_leaving", "_lobby", "_remote", "_transport", "slot")

    _transport: asyncio.Transport

    def __init__(self, lobby: Lobby, before: Guest | None = None) -> None:
        """Wait for `connection_made`.

        Args:
            lobby: Of the listener.
            before: As whom the lobby let this connection in already; None: it was not asked yet.
        """
        self.slot = -1  # the wheel's
        self._lobby = lobby
        self._before = before
        self._head = bytearray()  # the HTTP head as far as it came
        self._ip = ""  # of the peer, for the bound of half-open ones; "" for the Unix socket
        self._remote = "unix"  # address and port, for the session
        self._is_in = False  # the lobby counts it
        self._is_leaving = False  # it was answered: nothing is read any more

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock, or cut at once what is over the bounds."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its base class
        self._ip, self._remote = address_of(transport.get_extra_info("peername"))
        if self._before is not None:
            self._lobby.swap(self._before, self)
            self._before = None
        elif not self._lobby.enter(self, self._ip):
            self.abort()
            return
        self._is_in = True
        self._lobby.wheel.put(self, self._lobby.timeouts.handshake_s)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend the buffer that all connections share."""
        return self._lobby.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Read on until the head is whole."""
        if self._is_leaving:
            return
        searched = max(0, len(self._head) - 3)  # the empty line may have come in part
        self._head += self._lobby.buffer[:nbytes]
        self._look(searched)

    def eof_received(self) -> None:
        """Take note that no head will come: the transport closes itself."""
        self._leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        self._is_leaving = True
        if self._is_in:
            self._lobby.leave(self, self._ip, was_half_open=True)

    def due(self, now: float) -> None:
        """Give up: on the head, then on the peer's end of the connection."""
        if self._is_leaving:
            self.abort()
            return
        self._lobby.counters.handshake_timeouts += 1
        if self._head:
            self._answer(timed_out())
        else:
            self.abort()

    def abort(self) -> None:
        """Cut the connection now."""
        self._is_leaving = True
        self._transport.abort()

    def _look(self, searched: int) -> None:
        """See whether the head is whole; up to `searched` it was not."""
        end = head_end(self._head, searched)
        if max(end, len(self._head) if end < 0 else 0) > self._lobby.limits.handshake_bytes:
            self._answer(too_large())
        elif end >= 0:
            self._decide(bytes(self._head[:end]), bytes(self._head[end:]))
        elif not self._head[:1].isalpha():
            self._answer(bad_request())  # TLS, a proxy's greeting, noise: no need to wait for an end that won't come

    def _decide(self, head: bytes, rest: bytes) -> None:
        try:
            decision = self._lobby.handshake.decide(head, self._remote, is_draining=self._lobby.is_draining)
        except Exception as error:  # noqa: BLE001 - the edge: logged once, turned into a verdict
            get_log("transport").error("handshake_failed", error=error)
            self.abort()
            return
        if isinstance(decision, Answer):
            self._answer(decision)
        elif self._lobby.is_full:
            self._lobby.counters.refused_connections += 1
            # As a WebSocket and not as a 503: a browser shows its page no status of a failed handshake.
            self._say(decision.response + close_frame(codes.TOO_MANY_CONNECTIONS, "too many connections"))
        else:
            self._hand_over(decision, rest)

    def _hand_over(self, accept: Accept, rest: bytes) -> None:
        lobby, transport = self._lobby, self._transport
        connection = Connection(lobby, transport, self._ip, accept.extensions)
        lobby.promote(self, connection, self._ip)
        transport.set_protocol(connection)
        transport.write(accept.response)
        connection.start(accept.hello, rest)

    def _answer(self, answer: Answer) -> None:
        if answer.status >= 400:
            self._lobby.counters.refused_handshakes += 1
        self._say(answer.response)

    def _say(self, last_words: bytes) -> None:
        self._transport.write(last_words)
        self._leave()
        hang_up(self._transport)

    def _leave(self) -> None:
        self._is_leaving = True
        self._head.clear()
        self._lobby.wheel.put(self, self._lobby.timeouts.close_s)


def address_of(peer: object) -> tuple[str, str]:
    """Return a peer's IP address, and what to call it in logs; ("", "unix") for a Unix socket.

    Args:
        peer: Its name as the socket module gives it.
    """
    if not isinstance(peer, tuple):
        return "", "unix"
    ip = str(peer[0])
    return ip, f"[{ip}]:{peer[1]}" if ":" in ip else f"{ip}:{peer[1]}"

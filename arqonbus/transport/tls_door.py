"""TlsDoor: accepts TLS connections, asking the lobby before any work is done for them.

The loop's own TLS server tells of a connection only when its handshake is over, so nobody could be refused before work
and memory (35 KiB on uvloop, 290 KiB on asyncio) are spent. This accepts by itself and lets the loop do the TLS.
"""

import asyncio
import errno
import socket
import ssl
from typing import Final

from arqonbus.telemetry.logs import get_log
from arqonbus.transport.greeting import Greeting, address_of
from arqonbus.transport.lobby import Lobby

__all__ = ["TlsDoor"]

_BATCH: Final = 64  # accepts in one turn of the loop; a handshake costs 2 ms, so more would only wait elsewhere
_OUT_OF: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_S: Final = 1.0  # after running out of files or memory, as asyncio's own server does


class TlsDoor:
    """Serves one listening socket. Owned by the listener."""

    def __init__(self, lobby: Lobby, context: ssl.SSLContext, sock: socket.socket) -> None:
        """Start to accept on a socket that listens and does not block; it is closed by `close`."""
        self._lobby = lobby
        self.context = context
        """For the handshakes to come; may be replaced."""
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._open()

    def close(self) -> None:
        """Accept no more. Those in the TLS handshake are guests of the lobby, and cut there. Idempotent."""
        if self._pause is not None:
            self._pause.cancel()
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
            self._sock.close()

    def _open(self) -> None:
        self._pause = None
        self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        for _ in range(_BATCH):
            try:
                sock, peer = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._give_up(error)
                return
            self._greet(sock, peer)

    def _give_up(self, error: OSError) -> None:
        """Rest a while when the system has no more to give; the socket stays readable, so trying on would spin."""
        if error.errno not in _OUT_OF:
            raise error
        get_log("transport").error("accept_failed", error=error)
        self._loop.remove_reader(self._sock)
        self._pause = self._loop.call_later(_PAUSE_S, self._open)

    def _greet(self, sock: socket.socket, peer: object) -> None:
        ip, _ = address_of(peer)
        guest = _TlsGuest()
        if not self._lobby.enter(guest, ip):
            sock.close()
            return
        sock.setblocking(False)
        guest.task = self._loop.create_task(self._shake_hands(guest, sock))
        guest.task.add_done_callback(lambda task: self._done(task, guest, ip, sock))

    async def _shake_hands(self, guest: "_TlsGuest", sock: socket.socket) -> None:
        guest.is_started = True
        timeouts = self._lobby.timeouts
        await self._loop.connect_accepted_socket(
            lambda: Greeting(self._lobby, guest),
            sock,
            ssl=self.context,
            ssl_handshake_timeout=timeouts.handshake_s,
            ssl_shutdown_timeout=timeouts.close_s,
        )

    def _done(self, task: asyncio.Task[None], guest: "_TlsGuest", ip: str, sock: socket.socket) -> None:
        """Forget a connection whose TLS handshake failed; of the others, the greeting took the guest's place."""
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, OSError):  # of TLS, of the network, and timeouts are OSErrors
            get_log("transport").error("tls_handshake_failed", error=error)
        if guest in self._lobby.guests:
            self._lobby.counters.tls_failures += 1
            self._lobby.leave(guest, ip, was_half_open=True)
        if not guest.is_started:
            sock.close()  # from the start on, the loop owns it


class _TlsGuest:
    """Stands for a connection in its TLS handshake, which has a timeout of its own: never in the wheel."""

    __slots__ = ("is_started", "slot", "task")

    def __init__(self) -> None:
        self.slot = -1
        self.is_started = False  # the task had its first step
        self.task: asyncio.Task[None] | None = None

    def due(self, now: float) -> None:
        """Do nothing."""

    def abort(self) -> None:
        """Cut the connection now."""
        if self.task is not None:
            self.task.cancel()

"""Listener: the server's open door. Binds, accepts, drains, closes.

Here live the listening sockets and the one periodic timer; what happens to a connection is in `greeting` and
`connection`, what they share in `lobby`. Made and closed by `server`.
"""

import asyncio
import contextlib
import os
import ssl
from typing import Final

import msgspec

from arqonbus.telemetry.logs import get_log
from arqonbus.transport.bind import Bind, ListenError, bind_tcp, clear_stale, unix_error
from arqonbus.transport.greeting import Greeting
from arqonbus.transport.handshake import Handshake
from arqonbus.transport.lobby import TROUBLES, Limits, Lobby, OpenSession, Statistics, Timeouts
from arqonbus.transport.tls import Tls, server_context
from arqonbus.transport.tls_door import TlsDoor

__all__ = ["Listener"]

_REPORT_S: Final = 10.0  # between two log lines about refused or hostile connections, whatever their number


class Listener:
    """Serves one server's TCP address, Unix socket, or both.

    Lifetime: `start`, then `drain` (optional), then `close`. All run in the loop's thread.
    """

    def __init__(
        self,
        open_session: OpenSession,
        handshake: Handshake,
        *,
        bind: Bind | None = None,
        tls: Tls | None = None,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Keep the arguments; nothing is opened yet.

        Args:
            open_session: Called once for each client whose handshake is over.
            handshake: Decides on HTTP heads, and answers probes.
            bind: Where to listen.
            tls: Files; None is plain. Holds for TCP, the Unix socket is always plain.
            limits: Bounds.
            timeouts: Durations.
        """
        self._open_session = open_session
        self._handshake = handshake
        self._bind = bind or Bind()
        self._tls = tls
        self._limits = limits or Limits()
        self._timeouts = timeouts or Timeouts()
        self._lobby: Lobby | None = None
        self._context: ssl.SSLContext | None = None
        self._doors: list[asyncio.Server | TlsDoor] = []
        self._addresses: list[str] = []
        self._port = 0
        self._timer: asyncio.TimerHandle | None = None
        self._unix_file: tuple[int, int] | None = None  # device and inode of our socket file
        self._reported = (0.0, 0)  # when trouble was logged last, and how much there was by then

    async def start(self) -> None:
        """Listen. After an error nothing is open.

        Raises:
            ListenError: an address or a TLS file is no good.
        """
        loop = asyncio.get_running_loop()
        context = self._context = server_context(self._tls) if self._tls is not None else None
        lobby = self._lobby = Lobby(self._open_session, self._handshake, self._limits, self._timeouts, loop.time)
        try:
            if self._bind.host is not None:
                await self._listen_tcp(lobby, context)
            if self._bind.unix_socket:
                await self._listen_unix(lobby, self._bind.unix_socket)
        except ListenError:
            self._stop_listening()
            raise
        self._tick(lobby)
        get_log("transport").debug("listening", addresses=" ".join(self.addresses), tls=context is not None)

    @property
    def addresses(self) -> list[str]:
        """Where clients find us: `host:port` with the port that 0 became, and the path of the Unix socket."""
        return list(self._addresses)

    @property
    def port(self) -> int:
        """The TCP port in use, 0 when there is none."""
        return self._port

    def renew(self, handshake: Handshake, tls: Tls | None) -> None:
        """Take new rules and read the certificate anew, for clients that connect from then on.

        Whether there is TLS at all, and whose client certificates are asked for, stays as it was at the start.

        Raises:
            ListenError: a TLS file is no good; then nothing changed.
        """
        if self._tls is not None and tls is not None:
            tls = msgspec.structs.replace(tls, client_ca=self._tls.client_ca)
            context = server_context(tls)
            for door in self._doors:
                if isinstance(door, TlsDoor):
                    door.context = context
            self._tls = tls
        self._handshake = handshake
        if self._lobby is not None:
            self._lobby.handshake = handshake

    def drain(self, *, leave: bool = False) -> None:
        """Send new clients away (503) and say so in `/ready`; those that are in stay. Idempotent.

        Args:
            leave: Listen no more, so that others who share the port get them instead.
        """
        if leave:
            self._stop_listening()
        if self._lobby is not None and not self._lobby.is_draining:
            self._lobby.is_draining = True
            get_log("transport").info("draining", open=self._lobby.statistics().open)

    async def close(self) -> None:
        """Stop listening and cut every connection that is left; returns when their sessions were told. Idempotent."""
        self._stop_listening()
        lobby = self._lobby
        if lobby is None:
            return
        lobby.is_draining = True
        deadline = lobby.time() + self._timeouts.close_s
        while lobby.guests and lobby.time() < deadline:
            for guest in list(lobby.guests):
                guest.abort()
            await asyncio.sleep(0)  # connection_lost comes from the loop, a turn or two later
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._report(lobby, 0.0)
            get_log("transport").info("closed")

    def statistics(self) -> Statistics:
        """Count; all zero before `start`."""
        return Statistics() if self._lobby is None else self._lobby.statistics()

    async def _listen_tcp(self, lobby: Lobby, context: ssl.SSLContext | None) -> None:
        for sock in bind_tcp(self._bind):
            host, port = sock.getsockname()[:2]
            self._addresses.append(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
            self._port = port
            if context is not None:
                self._doors.append(TlsDoor(lobby, context, sock))
                continue
            loop = asyncio.get_running_loop()
            self._doors.append(await loop.create_server(lambda: Greeting(lobby), sock=sock, backlog=self._bind.backlog))

    async def _listen_unix(self, lobby: Lobby, path: str) -> None:
        loop = asyncio.get_running_loop()
        clear_stale(path)
        try:
            server = await loop.create_unix_server(lambda: Greeting(lobby), path, backlog=self._bind.backlog)
        except OSError as error:
            raise unix_error(path, error) from error
        self._doors.append(server)
        self._addresses.append(path)
        found = os.stat(path)
        self._unix_file = (found.st_dev, found.st_ino)

    def _stop_listening(self) -> None:
        for door in self._doors:
            door.close()
        self._doors, self._addresses, self._port = [], [], 0
        if self._unix_file is not None:
            # Only our own: another server may have taken the path by now.
            with contextlib.suppress(OSError):
                found = os.stat(self._bind.unix_socket)
                if (found.st_dev, found.st_ino) == self._unix_file:
                    os.unlink(self._bind.unix_socket)
            self._unix_file = None

    def _tick(self, lobby: Lobby) -> None:
        lobby.tick()
        self._report(lobby, _REPORT_S)
        self._timer = asyncio.get_running_loop().call_later(lobby.tick_s, self._tick, lobby)

    def _report(self, lobby: Lobby, every_s: float) -> None:
        """Log trouble as counts, at most once a while: a line for each hostile frame would be an attack by log."""
        at, seen = self._reported
        if lobby.n_troubles > seen and lobby.clock.now - at >= every_s:
            self._reported = lobby.clock.now, lobby.n_troubles
            counts = lobby.statistics()
            get_log("transport").warning("trouble_with_clients", **{name: getattr(counts, name) for name in TROUBLES})

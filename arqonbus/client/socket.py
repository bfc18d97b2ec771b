"""Sockets: one WebSocket to the server, by the websockets library. The only module of the SDK that knows it.

`dial` opens one; whatever goes wrong is an OSError, a TimeoutError or a DialError. A socket says how it ended by
SocketClosed. Tests give the bus a dialler of their own.
"""

from __future__ import annotations

import ssl as tls
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal, Protocol, TypeAlias

from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from arqonbus.protocol import codes

__all__ = ["DialError", "DialOptions", "Dialler", "Socket", "SocketClosed", "dial"]

SUBPROTOCOL: Final = "arqonbus.v1"

_CLOSE_S: Final = 2.0
"""For the closing handshake; then the connection is cut."""


class SocketClosed(Exception):
    """The connection is over."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code
        self.reason = reason


class DialError(Exception):
    """The server is there, but no WebSocket came of it."""


class Socket(Protocol):
    """One open WebSocket, text frames only."""

    async def send(self, text: bytes) -> None:
        """Write one frame; waits while the transport is full. Raises SocketClosed."""

    async def recv(self) -> bytes:
        """Read one frame. Raises SocketClosed."""

    async def close(self, code: int) -> None:
        """Close with a handshake, for a bounded time. Closing twice is fine."""

    def abort(self) -> None:
        """Cut the connection."""


class DialOptions(Struct, frozen=True):
    """How to open a WebSocket."""

    ssl: tls.SSLContext | None = None  # for wss; None: the default one
    headers: Mapping[str, str] = {}  # of the handshake, beside those of WebSocket
    proxy: str | Literal[True] | None = True  # True: as the environment says; None: none
    max_frame_bytes: int = 64 * 1024 * 1024  # larger frames of the server end the connection with 1009
    compression: bool = False  # offer permessage-deflate


Dialler: TypeAlias = Callable[[str, DialOptions], Awaitable[Socket]]
"""Opens a WebSocket to a URL. It may raise any exception: the dial has failed then."""


class _Socket:
    """A connection of the websockets library."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, text: bytes) -> None:
        """See Socket."""
        try:
            await self._connection.send(text, text=True)
        except ConnectionClosed as error:
            raise _ended(error) from error

    async def recv(self) -> bytes:
        """See Socket."""
        try:
            return await self._connection.recv(decode=False)
        except ConnectionClosed as error:
            raise _ended(error) from error

    async def close(self, code: int) -> None:
        """See Socket."""
        await self._connection.close(code)

    def abort(self) -> None:
        """See Socket."""
        self._connection.transport.abort()


def _ended(error: ConnectionClosed) -> SocketClosed:
    """Say how a connection ended: as the server said; or by our own limit, past which to come back would not help."""
    if error.rcvd is not None:
        return SocketClosed(int(error.rcvd.code), error.rcvd.reason)
    if error.sent is not None and error.sent.code == codes.TOO_BIG:
        return SocketClosed(codes.TOO_BIG, error.sent.reason)
    return SocketClosed(codes.NO_CLOSE_FRAME)


async def dial(url: str, options: DialOptions) -> Socket:
    """Open a WebSocket.

    Raises:
        DialError: the address is wrong, or the server answers with something else than a WebSocket
        OSError: the server cannot be reached
    """
    try:
        connection = await connect(
            url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers=dict(options.headers),
            compression="deflate" if options.compression else None,
            max_size=options.max_frame_bytes,
            ssl=options.ssl or (True if url[:4].lower() == "wss:" else None),  # None would be no TLS, not the default
            proxy=options.proxy,
            open_timeout=None,  # the bus has a limit for the whole dial
            ping_interval=None,  # and watches the connection itself
            close_timeout=_CLOSE_S,
        )
    except (InvalidHandshake, InvalidURI) as error:
        raise DialError(f"no WebSocket at {url}: {error}") from error
    return _Socket(connection)

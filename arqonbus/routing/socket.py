"""Socket: what a session may do with its connection; Hello: what the handshake told of the client.

The seam between routing and transport. The transport implements Socket; sessions never see anything else of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

__all__ = ["NO_SOCKET", "Hello", "Socket"]


class Hello(Struct, frozen=True):
    """What is known of a client when its handshake is over."""

    remote: str  # address, for logs
    token: str | None = None  # credentials, not yet checked
    client_type: str | None = None
    screen_name: str | None = None
    compressed: bool = False  # True: ready frames are of no use, Socket.write takes the texts
    subprotocol: str | None = None
    traceparent: str | None = None


class Socket(Protocol):
    """One client's connection, seen from its session.

    No method waits or raises; after close or abort all do nothing.
    """

    @property
    def is_open(self) -> bool:
        """Whether what is written now is sent: neither side has begun to close."""

    def write(self, chunk: bytes, texts: Sequence[bytes]) -> bool:
        """Send ready frames, whole, in order.

        Args:
            chunk: the frames, joined.
            texts: the JSON text of each; read by a compressed connection only, empty for all others.

        Returns:
            False when the transport holds much now: write no more until the mail Writable comes.
        """

    def buffered_bytes(self) -> int:
        """Bytes that the transport holds for the peer."""

    def close(self, code: int, reason: str) -> None:
        """Send a close frame behind what was written; cut the connection if the peer does not answer soon."""

    def abort(self) -> None:
        """Cut the connection now."""


class _NoSocket:
    """The socket of a session that lost its own: what is sent to it is gone, and recovered by who comes back."""

    __slots__ = ()

    is_open = False

    def write(self, chunk: bytes, texts: Sequence[bytes]) -> bool:
        return True

    def buffered_bytes(self) -> int:
        return 0

    def close(self, code: int, reason: str) -> None:
        pass

    def abort(self) -> None:
        pass


NO_SOCKET: Final[Socket] = _NoSocket()
"""Holds no state, so one serves all."""

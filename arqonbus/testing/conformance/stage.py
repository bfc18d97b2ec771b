"""Stage: what one case plays on. Opens peers, makes up names of rooms, and leaves nothing behind."""

import asyncio
import contextlib
import itertools
import secrets
from types import TracebackType
from typing import Any, Final, Self

from msgspec import Struct

from arqonbus.testing.conformance.peer import PATIENCE_S, Peer
from arqonbus.testing.conformance.socket import HandshakeRefused, Socket
from arqonbus.testing.conformance.verdict import Failed, Skipped

__all__ = ["Stage", "Target"]

SUBPROTOCOL: Final = "arqonbus.v1"


class Target(Struct, frozen=True):
    """The server that is asked."""

    url: str  # ws or wss
    token: str | None = None
    drain_pid: int | None = None  # of the server, if it may be told to drain; it ends by that
    patience_s: float = PATIENCE_S  # for anything that should come at once
    also: tuple[str, ...] = ()  # URLs of other nodes of the same bus; a case's clients are spread over all


class Stage:
    """One case's view of the server.

    Args:
        target: the server
        room: a name of a room that nobody else uses
    """

    def __init__(self, target: Target, room: str | None = None) -> None:
        self.target = target
        self.room = room or f"conformance-{secrets.token_hex(6)}"
        self.peers: list[Peer] = []
        self._urls = itertools.cycle((target.url, *target.also))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(peer.leave() for peer in self.peers))

    async def open(self, token: str | None = None, **headers: str) -> Peer:
        """Connect, and wait for nothing.

        Args:
            token: in place of the target's
            headers: of the handshake, `_` for `-`
        """
        wanted = {name.replace("_", "-"): value for name, value in headers.items()}
        wanted.setdefault("Sec-WebSocket-Protocol", SUBPROTOCOL)
        shown = self.target.token if token is None else token
        if shown:
            wanted["Authorization"] = f"Bearer {shown}"
        async with asyncio.timeout(self.target.patience_s):
            peer = Peer(await Socket.open(next(self._urls), wanted), self.target.patience_s)
        peer.read()
        self.peers.append(peer)
        return peer

    async def peer(self) -> Peer:
        """Connect, and be welcomed. Raises Failed."""
        peer = await self.open()
        await self.greeted(peer)
        return peer

    async def greeted(self, peer: Peer) -> None:
        """Take the welcome of a peer."""
        peer.welcome = (await peer.take("system/welcome"))["payload"]
        peer.id, peer.ticket = peer.welcome["client"], peer.welcome.get("ticket")

    async def peers_of(self, count: int) -> list[Peer]:
        """Connect so many."""
        return [await self.peer() for _ in range(count)]

    async def member(self, channel: str, **args: Any) -> Peer:
        """Connect and join a channel of the case's room."""
        peer = await self.peer()
        await peer.join(self.room, channel, **args)
        return peer

    async def channel(self, peer: Peer, channel: str, **options: Any) -> dict[str, Any]:
        """Make a channel with options. Raises Skipped: this client may not."""
        return await peer.ask("create_channel", room=self.room, channel=channel, options=options)

    async def tidy(self) -> None:
        """Delete what is left of the room. What cannot be deleted goes by itself when it is empty."""
        with contextlib.suppress(Failed, Skipped, HandshakeRefused, OSError, TimeoutError):
            peer = await self.peer()
            for found in (await peer.ask("list_channels", room=self.room))["channels"]:
                await peer.ask("delete_channel", room=self.room, channel=found["channel"], force=True)

"""RedisCluster: the way to the other nodes through Redis, as Cluster promises.

Made of nodes, post, private channels and lines of rooms.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from arqonbus.storage.cluster import (
    Delivery,
    ForClient,
    ForNode,
    Heard,
    Lapsed,
    LineHeard,
    NodeGone,
    SecretKnown,
)
from arqonbus.storage.redis_keys import CONTROL, partition_of
from arqonbus.storage.redis_nodes import BEAT_S, LEASE_S, Nodes, NodesSetup
from arqonbus.storage.redis_post import Letter, Post
from arqonbus.storage.redis_private import PrivateChannels
from arqonbus.storage.redis_room_line import RedisRoomLine
from arqonbus.storage.redis_shard import Shard
from arqonbus.storage.redis_store import RedisStore
from arqonbus.storage.shared_log import LinkState

__all__ = ["RedisCluster", "nothing_to_clear"]

SECRET_BYTES = 32
_LETTER, _HELLO, _FAREWELL = "letter", "hello", "farewell"  # kinds of post


async def nothing_to_clear(node: str) -> None:
    """Clear up after a dead node that left nothing."""


class RedisCluster:
    """One node's way to the others. Made on the loop that serves; ``start`` it, and ``close`` it before the store.

    Args:
        store: the way to Redis.
        reap: clears away what a dead node left; raises StorageError.
        beat_s: seconds between two signs of life.
        lease_s: seconds after which a node without one counts as dead.
    """

    def __init__(
        self,
        store: RedisStore,
        reap: Callable[[str], Awaitable[None]] = nothing_to_clear,
        beat_s: float = BEAT_S,
        lease_s: float = LEASE_S,
    ) -> None:
        self.node = store.setup.node
        self.post = Post(store)
        self.nodes = Nodes(
            store,
            NodesSetup(
                document=lambda: b"",
                reap=reap,
                joined=lambda node: store.setup.notice("node_joined", node=node),
                left=self._left,
                lapsed=self._lapsed,
                registered=lambda: self.post.send(None, _HELLO, b""),
                beat_s=beat_s,
                lease_s=lease_s,
                farewell=self.post.write(_FAREWELL, b""),
            ),
        )
        self.private = PrivateChannels(store)
        self._store = store
        self._clients: set[str] = set()
        self._lines: dict[str, RedisRoomLine] = {}
        self._going: set[str] = set()  # nodes that said farewell, until they are known to be gone
        self._secret = secrets.token_bytes(SECRET_BYTES)  # of all nodes, once Redis was asked
        self._tell: Callable[[Heard], None] | None = None  # None: nobody listens yet
        self.post.handle(_LETTER, self._letter)
        self.post.handle(_HELLO, self._hello)
        self.post.handle(_FAREWELL, self._farewell)
        store.on_state.append(self._state_changed)
        store.on_moved.append(self._moved)

    def start(self) -> None:
        """Begin to listen, and to tell that this node lives."""
        self.post.start()
        self.nodes.start()
        self._ask_secret()

    async def close(self) -> None:
        """Tell the others that this node goes, as well as Redis lets us."""
        for line in list(self._lines.values()):
            line.close()
        await self.nodes.close()

    # --- Cluster ------------------------------------------------------------------------------------------------

    @property
    def state(self) -> LinkState:
        """See Cluster."""
        return self._store.state

    @property
    def living(self) -> Collection[str]:
        """See Cluster."""
        return self.nodes.living.keys() | {self.node}

    def attach(self, tell: Callable[[Heard], None]) -> None:
        """See Cluster."""
        self._tell = tell

    def enter(self, client: str) -> None:
        """See Cluster."""
        if client not in self._clients:
            self._clients.add(client)
            self.private.enter(client, lambda data: self._hear(ForClient(client, data)))

    def leave(self, client: str) -> None:
        """See Cluster."""
        if client in self._clients:
            self._clients.discard(client)
            self.private.leave(client)

    def send(self, clients: Sequence[str], data: Sequence[bytes]) -> Awaitable[Sequence[Delivery]]:
        """See Cluster."""
        return self.private.send(clients, data)

    def tell(self, node: str | None, data: bytes) -> None:
        """See Cluster."""
        self.post.send(node, _LETTER, data)

    def follow(self, room: str, tell: Callable[[LineHeard], object]) -> RedisRoomLine:
        """See Cluster."""
        line = self._lines[room] = RedisRoomLine(self._store, room, tell, self._line_closed)
        return line

    # --- what comes ---------------------------------------------------------------------------------------------

    def _hear(self, heard: Heard) -> None:
        if self._tell is not None:
            self._tell(heard)

    def _letter(self, letter: Letter) -> None:
        if letter.sender != self.node:
            self._hear(ForNode(letter.sender, letter.body))

    def _hello(self, letter: Letter) -> None:
        if letter.sender != self.node:
            self.nodes.came(letter.sender)

    def _farewell(self, letter: Letter) -> None:
        if letter.sender == self.node:
            return
        self._going.add(letter.sender)
        self.nodes.gone(letter.sender)
        self._going.discard(letter.sender)

    def _left(self, node: str) -> None:
        is_orderly = node in self._going
        self._store.setup.notice("node_left" if is_orderly else "node_lost", node=node)
        self._hear(NodeGone(node, is_orderly))

    def _lapsed(self) -> None:
        self._store.setup.notice("node_lapsed", node=self.node)
        self._hear(Lapsed())

    def _line_closed(self, line: RedisRoomLine) -> None:
        if self._lines.get(line.room) is line:
            del self._lines[line.room]

    # --- the secret ---------------------------------------------------------------------------------------------

    def _ask_secret(self) -> None:
        """Put the secret that this node knows where all look for it, unless there is one; hear which it is."""
        key = self._store.keys.secret
        self._store.shard_at(CONTROL).call(self._secret_known, "SET", key, self._secret, "NX", "GET")

    def _secret_known(self, answer: Any) -> None:
        if isinstance(answer, Exception):
            return  # asked again when Redis is there
        self._secret = answer if isinstance(answer, bytes) and answer else self._secret
        self._hear(SecretKnown(self._secret))

    # --- what happens to Redis ----------------------------------------------------------------------------------

    def _state_changed(self, shard: Shard, state: LinkState) -> None:
        if state == "up" and shard is self._store.shard_at(CONTROL):
            self._ask_secret()

    def _moved(self, partition: int, before: Shard, now: Shard) -> None:
        for room, line in list(self._lines.items()):
            if partition_of(room) == partition:
                line.move(before, now)

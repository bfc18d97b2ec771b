"""Post: what nodes say to each other by way of Redis: to one, or to all. At most once.

Nothing here is stored: what must not be lost stands in a key as well, and is read when a link comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from arqonbus.storage.redis_calls import Answer, ignore
from arqonbus.storage.redis_keys import CONTROL, partition_of
from arqonbus.storage.redis_store import RedisStore
from arqonbus.storage.redis_subscriptions import Ear

__all__ = ["Letter", "Post"]


class Letter(Struct, frozen=True, array_like=True, gc=False):
    """What travels. Compact: the fields stand in this order."""

    sender: str  # node
    kind: str  # what it is about; the receiver's handlers are known by it
    body: bytes


Handler: TypeAlias = Callable[[Letter], None]
"""Takes a letter."""


class Post:
    """One node's post. Args: ``store``: its way to Redis."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self.node = store.setup.node
        self._handlers: dict[str, Handler] = {}

    def start(self) -> None:
        """Begin to listen."""
        keys, store = self._store.keys, self._store
        store.shard_of(self.node).subscriptions.add(keys.inbox(self.node), Ear(self._take))
        store.shard_at(CONTROL).subscriptions.add(keys.all_nodes, Ear(self._take))
        store.on_moved.append(self._moved)

    def handle(self, kind: str, handler: Handler) -> None:
        """Have letters of a kind brought to ``handler``. Letters of no handler's kind are dropped."""
        self._handlers[kind] = handler

    # --- out ----------------------------------------------------------------------------------------------------

    async def tell(self, node: str, kind: str, body: bytes) -> bool:
        """Send a letter to one node. Gives whether somebody was listening. Raises StorageError."""
        return await self._publish(node, self._store.keys.inbox(node), self.write(kind, body)) > 0

    async def tell_all(self, kind: str, body: bytes) -> int:
        """Send a letter to all nodes, this one too. Gives how many were listening. Raises StorageError."""
        return await self._publish(None, self._store.keys.all_nodes, self.write(kind, body))

    def send(self, node: str | None, kind: str, body: bytes) -> None:
        """Send a letter to one node, or (None) to all, this one too; whether anybody hears it is nobody's concern."""
        shard = self._store.shard_at(CONTROL) if node is None else self._store.shard_of(node)
        channel = self._store.keys.all_nodes if node is None else self._store.keys.inbox(node)
        shard.call(ignore, *self._command(channel, self.write(kind, body)))

    def write(self, kind: str, body: bytes) -> bytes:
        """Write a letter as it travels."""
        return msgspec.msgpack.encode(Letter(self.node, kind, body))

    async def _publish(self, node: str | None, channel: str, letter: bytes) -> int:
        shard = self._store.shard_at(CONTROL) if node is None else self._store.shard_of(node)
        answer = Answer()
        shard.call(answer.take, *self._command(channel, letter))
        return int(await answer.future)

    def _command(self, channel: str, letter: bytes) -> tuple[str, str, bytes]:
        return self._store.publish, channel, letter

    # --- in -----------------------------------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        try:
            letter = msgspec.msgpack.decode(data, type=Letter)
        except msgspec.MsgspecError as error:  # of somebody else's making
            self._store.setup.notice("redis_letter_refused", error=error)
            return
        handler = self._handlers.get(letter.kind)
        if handler is not None:
            handler(letter)

    def _moved(self, partition: int, before: Any, now: Any) -> None:
        keys = self._store.keys
        for at, channel in ((partition_of(self.node), keys.inbox(self.node)), (CONTROL, keys.all_nodes)):
            if at == partition:
                before.subscriptions.remove(channel)
                now.subscriptions.add(channel, Ear(self._take))

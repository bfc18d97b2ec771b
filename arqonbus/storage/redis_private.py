"""PrivateChannels: messages to single clients, on whichever node they are. At most once.

Each client has a channel of its own, which its node listens to. So there is no table of who is where that could be out
of date: a node that dies takes its subscriptions with it, and Redis says of each message whether anybody heard it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from arqonbus.protocol.names import is_name
from arqonbus.storage.cluster import Delivery
from arqonbus.storage.redis_calls import Answer
from arqonbus.storage.redis_keys import partition_of
from arqonbus.storage.redis_store import RedisStore
from arqonbus.storage.redis_subscriptions import Ear

__all__ = ["PrivateChannels"]


class PrivateChannels:
    """The clients of one node, and the way to all others."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._clients: dict[str, Callable[[bytes], None]] = {}
        store.on_moved.append(self._moved)

    def __len__(self) -> int:
        """Count the clients of this node."""
        return len(self._clients)

    def enter(self, client: str, take: Callable[[bytes], None]) -> None:
        """Have messages for a client of this node brought to ``take``."""
        self._clients[client] = take
        self._store.shard_of(client).subscriptions.add(self._store.keys.client_feed(client), Ear(take))

    def leave(self, client: str) -> None:
        """Take no more for a client. Without effect if it is not here."""
        if self._clients.pop(client, None) is not None:
            self._store.shard_of(client).subscriptions.remove(self._store.keys.client_feed(client))

    def send(self, clients: Sequence[str], data: Sequence[bytes]) -> Awaitable[list[Delivery]]:
        """Send each client, on any node, its message; now, whether awaited or not.

        Never raises; gives what became of each, in the order asked.
        """
        answers: list[Answer | None] = []
        for client, message in zip(clients, data, strict=True):
            if not is_name(client):  # no client of ours is called that, and no key may be made of it
                answers.append(None)
                continue
            answers.append(answer := Answer())
            channel = self._store.keys.client_feed(client)
            self._store.shard_of(client).call(answer.take, self._store.publish, channel, message)
        return _deliveries(answers)

    def _moved(self, partition: int, before: Any, now: Any) -> None:
        for client, take in self._clients.items():
            if partition_of(client) == partition:
                channel = self._store.keys.client_feed(client)
                before.subscriptions.remove(channel)
                now.subscriptions.add(channel, Ear(take))


async def _deliveries(answers: Sequence[Answer | None]) -> list[Delivery]:
    waiting = [answer.future for answer in answers if answer is not None]
    heard = iter(await asyncio.gather(*waiting, return_exceptions=True))
    return ["absent" if answer is None else _delivery(next(heard)) for answer in answers]


def _delivery(answer: int | BaseException) -> Delivery:
    if isinstance(answer, BaseException):
        return "unknown"
    return "delivered" if answer else "absent"

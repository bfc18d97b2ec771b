"""Nodes: which of them live. Each has a lease that it renews; who does not is dead, and somebody clears up after it.

A node learns the others with every beat: so a death is known to all within the lease and one beat, LEASE_S + BEAT_S,
and an orderly end at once. A node that was silent for longer than its lease, but lives, finds out with its next beat,
and registers all of its own anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from arqonbus.errors import StorageError
from arqonbus.storage.redis_calls import Answer
from arqonbus.storage.redis_keys import CONTROL, LAYOUT, PARTITIONS
from arqonbus.storage.redis_scripts import Script
from arqonbus.storage.redis_store import RedisStore
from arqonbus.storage.shared_log import LinkState

__all__ = ["BEAT_S", "LEASE_S", "Node", "Nodes", "NodesSetup"]

BEAT_S = 2.0
LEASE_S = 8.0  # four beats: a node that Redis does not hear for so long counts as dead
REAP_S = 30.0  # a node that began to clear up, and has not ended by then, has died of it

_BEAT = Script(
    "beat",
    """
local meta = redis.call('HGET', KEYS[3], 'layout')
if not meta then
  redis.call('HSET', KEYS[3], 'layout', ARGV[5])
elseif meta ~= ARGV[5] then
  return redis.error_reply('LAYOUT ' .. meta)
end
if redis.call('EXISTS', KEYS[4]) == 1 then return { 'reaped' } end
local was = redis.call('ZSCORE', KEYS[2], ARGV[1])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4] + ARGV[3], ARGV[1])
return { was and 'renewed' or 'registered', redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES') }
""",
    n_keys=4,
)
"""Renew a lease. Keys: document, nodes, meta, lock of whoever clears up after this node. Args: 1 node, 2 document, 3
lease (ms), 4 now (ms), 5 layout. Answer: ``registered`` or ``renewed`` with all nodes and the ends of their leases;
``reaped``: it counts as dead, and is being cleared away.
"""

_LEAVE = Script(
    "leave",
    """
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call(ARGV[3], ARGV[2], ARGV[4])
return 1
""",
    n_keys=2,
)
"""End a lease. Keys: document, nodes. Args: 1 node, 2 channel of all nodes, 3 PUBLISH or SPUBLISH, 4 what to say."""


class Node(Struct, frozen=True):
    """A node that lives."""

    name: str
    lease_ends_ms: int  # by the clock of all


class NodesSetup(Struct, frozen=True):
    """What the registry of nodes is given."""

    document: Callable[[], bytes]  # what this node says of itself; read by ``documents`` of any node
    reap: Callable[[str], Awaitable[None]]  # clears up after a dead node; raises StorageError
    joined: Callable[[str], None]  # a node is there that was not
    left: Callable[[str], None]  # a node is gone, and what it left is cleared away, or is soon
    lapsed: Callable[[], None]  # this node counted as dead: what it had registered is gone
    beat_s: float = BEAT_S
    lease_s: float = LEASE_S
    registered: Callable[[], None] = lambda: None  # this node is one of them from now on
    farewell: bytes = b""  # what is said to all nodes when this one leaves


class Nodes:
    """The nodes, as this one knows them."""

    def __init__(self, store: RedisStore, setup: NodesSetup) -> None:
        self._store = store
        self._setup = setup
        self.name = store.setup.node
        self.living: dict[str, Node] = {}  # by name, this one too
        self._was_registered = False  # at any time before
        self._task: asyncio.Task[None] | None = None
        self._reaping: set[asyncio.Task[None]] = set()
        self._can_beat = asyncio.Event()  # set while Redis is there
        store.on_state.append(self._state_changed)
        store.on_moved.append(lambda partition, before, now: self._state_changed(now, now.link.state))

    def start(self) -> None:
        """Begin to beat, as soon as Redis is there."""
        self._state_changed(self._shard, self._shard.link.state)
        self._task = asyncio.get_running_loop().create_task(self._beat_for_ever())

    async def close(self) -> None:
        """End the lease, so that all know at once; as well as Redis lets us."""
        for task in (self._task, *self._reaping):
            if task is not None:
                task.cancel()
        keys, answer = self._store.keys, Answer()
        args = (self.name, keys.all_nodes, self._store.publish, self._setup.farewell)
        self._shard.run(answer.take, _LEAVE, keys.node(self.name), keys.nodes, *args)
        try:
            async with asyncio.timeout(self._store.setup.timeout_s):
                await answer.future
        except (StorageError, TimeoutError):
            return  # the lease ends by itself

    def _state_changed(self, shard: Any, state: LinkState) -> None:
        if shard is self._shard:
            (self._can_beat.clear if state in ("holding", "local") else self._can_beat.set)()

    @property
    def _shard(self) -> Any:
        return self._store.shard_at(CONTROL)

    async def documents(self) -> dict[str, bytes]:
        """Give what the living nodes say of themselves. Raises StorageError."""
        names = sorted(self.living)
        if not names:
            return {}
        answer = Answer()
        self._shard.ask(answer.take, "MGET", *[self._store.keys.node(name) for name in names])
        found = await answer.future
        return {name: document for name, document in zip(names, found, strict=True) if document is not None}

    def came(self, node: str) -> None:
        """Take the news that a node is there, before the next beat shows it."""
        if node not in self.living:
            self.living[node] = Node(node, self._store.now_ms() + int(self._setup.lease_s * 1000))
            self._setup.joined(node)

    def gone(self, node: str) -> None:
        """Take the news that a node left in order."""
        if self.living.pop(node, None) is not None:
            self._setup.left(node)

    # --- beats --------------------------------------------------------------------------------------------------

    async def _beat_for_ever(self) -> None:
        while True:
            await self._can_beat.wait()
            try:
                await self.beat()
            except StorageError as error:
                self._store.setup.notice("redis_beat_failed", error=error)
            await asyncio.sleep(self._setup.beat_s)

    async def beat(self) -> None:
        """Renew the lease, and learn who lives. Raises StorageError."""
        setup, keys, now_ms = self._setup, self._store.keys, self._store.now_ms()
        answer = Answer()
        names = (keys.node(self.name), keys.nodes, keys.meta, keys.reaping(self.name))
        args = (self.name, setup.document(), int(setup.lease_s * 1000), now_ms, f"{LAYOUT}/{PARTITIONS}")
        self._shard.run(answer.take, _BEAT, *names, *args)
        told = await answer.future
        if told[0] == b"reaped":
            return
        if told[0] == b"registered":
            setup.registered()
            if self._was_registered:
                setup.lapsed()
        self._was_registered = True
        self._learn(told[1], now_ms)

    def _learn(self, flat: list[bytes], now_ms: int) -> None:
        nodes = [Node(flat[i].decode(), int(float(flat[i + 1]))) for i in range(0, len(flat), 2)]
        # Those that we knew count until their lease is over, even if Redis forgot all: they are about to beat as well.
        known = {node.name: node for node in (*self.living.values(), *nodes)}
        living = {name: node for name, node in known.items() if node.lease_ends_ms > now_ms}
        before, self.living = self.living, living
        for name in sorted(living.keys() - before.keys() - {self.name}):
            self._setup.joined(name)
        for name in sorted(before.keys() - living.keys() - {self.name}):
            self._setup.left(name)
        for node in nodes:
            if node.lease_ends_ms <= now_ms:
                self._reap(node.name)

    # --- clearing up --------------------------------------------------------------------------------------------

    def _reap(self, dead: str) -> None:
        task = asyncio.get_running_loop().create_task(self._clear_up_after(dead))
        self._reaping.add(task)
        task.add_done_callback(self._reaping.discard)

    async def _clear_up_after(self, dead: str) -> None:
        """Clear up, if nobody else does. Who dies of it is followed by another, after REAP_S."""
        keys, lock = self._store.keys, Answer()
        self._shard.call(lock.take, "SET", keys.reaping(dead), self.name, "NX", "PX", int(REAP_S * 1000))
        try:
            if await lock.future is None:
                return
            await self._setup.reap(dead)
            for command in (("ZREM", keys.nodes, dead), ("DEL", keys.reaping(dead))):
                done = Answer()
                self._shard.call(done.take, *command)
                await done.future
        except StorageError as error:
            self._store.setup.notice("redis_reaping_failed", node=dead, error=error)
        else:
            self._store.setup.notice("node_cleared_away", node=dead)

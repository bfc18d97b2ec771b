"""Presence: who is in a channel, over all nodes. Each node writes its own members, and only those.

A hash for each channel and node, so that a dead node's members are found and cleared away without looking at each of
them, and nobody renews a single membership: the lease of the node stands for all of its members. What Redis has is a
copy: it is written anew when Redis comes back, or when the node had counted as dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from arqonbus.storage.redis_calls import Answer
from arqonbus.storage.redis_keys import PARTITIONS, partition_of
from arqonbus.storage.redis_scripts import Script
from arqonbus.storage.redis_shard import Shard
from arqonbus.storage.redis_store import RedisStore
from arqonbus.storage.shared_log import LinkState

__all__ = ["Presence"]

MEMBERS_A_CALL = 256  # when all of a node's members are written anew

_ENTER = Script(
    "enter",
    """
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[2])
return 1
""",
    n_keys=3,
)
"""Write members. Keys: members of this node, nodes of the channel, channels of this node. Args: 1 node, 2 room/channel,
then client and what it is, of each.
"""

_EXIT = Script(
    "exit",
    """
redis.call('HDEL', KEYS[1], unpack(ARGV, 3))
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SREM', KEYS[2], ARGV[1])
  redis.call('SREM', KEYS[3], ARGV[2])
end
return 1
""",
    n_keys=3,
)
"""Strike members off. Keys and args as of ENTER, then the clients."""


class Presence:
    """The members of one node's channels, and a look at those of all.

    Args:
        store: the way to Redis.
        living: gives the nodes whose members count.
    """

    def __init__(self, store: RedisStore, living: Callable[[], Collection[str]]) -> None:
        self._store = store
        self._node = store.setup.node
        self._living = living
        self._members: dict[tuple[str, str], dict[str, bytes]] = {}  # (room, channel) -> client -> what it is
        self._tasks: set[asyncio.Task[None]] = set()
        store.on_state.append(self._state_changed)

    def close(self) -> None:
        """Write nothing any more."""
        for task in self._tasks:
            task.cancel()

    # --- this node ----------------------------------------------------------------------------------------------

    def enter(self, room: str, channel: str, client: str, what: bytes) -> None:
        """Let everybody know that a client of this node is in a channel. Told to Redis soon, and again when need be."""
        self._members.setdefault((room, channel), {})[client] = what
        self._call(_ENTER, room, channel, (client, what))

    def exit(self, room: str, channel: str, client: str) -> None:
        """Let everybody know that it is no more. Without effect if it was not."""
        members = self._members.get((room, channel), {})
        if members.pop(client, None) is None:
            return
        if not members:
            del self._members[room, channel]
        self._call(_EXIT, room, channel, (client,))

    def _call(self, script: Script, room: str, channel: str, rest: Sequence[str | bytes]) -> None:
        keys = self._keys(room, channel, self._node)
        self._store.shard_of(room).run(self._written, script, *keys, self._node, f"{room}/{channel}", *rest)

    def _written(self, answer: Any) -> None:
        """What could not be written is written with all else when Redis is back; an error by itself is a fault."""
        if isinstance(answer, Exception) and self._store.state == "up":
            self._store.setup.notice("redis_presence_not_written", error=answer)

    def _keys(self, room: str, channel: str, node: str) -> tuple[str, str, str]:
        keys = self._store.keys
        here = f"{keys.present(room, channel)}:{node}"
        return here, keys.nodes_present(room, channel), keys.presences(partition_of(room), node)

    def write_all(self) -> None:
        """Write all members of this node anew."""
        for partition in {partition_of(room) for room, _ in self._members}:
            self._write_partition(partition)

    def _write_partition(self, partition: int) -> None:
        task = asyncio.get_running_loop().create_task(self._write(partition))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, partition: int) -> None:
        for (room, channel), members in list(self._members.items()):
            if partition_of(room) != partition:
                continue
            clients = list(members)
            for i in range(0, len(clients), MEMBERS_A_CALL):
                still = [client for client in clients[i : i + MEMBERS_A_CALL] if client in members]
                if still:
                    self._call(_ENTER, room, channel, [part for client in still for part in (client, members[client])])
                await asyncio.sleep(0)

    def _state_changed(self, shard: Shard, state: LinkState) -> None:
        if state == "up":  # it may have come back with less than it had
            for partition in {partition_of(room) for room, _ in self._members}:
                if self._store.shard_at(partition) is shard:
                    self._write_partition(partition)

    # --- all nodes ----------------------------------------------------------------------------------------------

    async def members(self, room: str, channel: str) -> Mapping[str, Mapping[str, bytes]]:
        """Give node -> client -> what it is, of the nodes that live. O(members). Raises StorageError."""
        found = await self._of_each_node(room, channel, "HGETALL")
        return {
            node: {flat[i].decode(): flat[i + 1] for i in range(0, len(flat), 2)}
            for node, flat in found.items()
            if flat
        }

    async def count(self, room: str, channel: str) -> int:
        """Count the members of a channel over all nodes that live. O(nodes). Raises StorageError."""
        return sum((await self._of_each_node(room, channel, "HLEN")).values())

    async def _of_each_node(self, room: str, channel: str, command: str) -> dict[str, Any]:
        shard, names = self._store.shard_of(room), Answer()
        shard.ask(names.take, "SMEMBERS", self._store.keys.nodes_present(room, channel))
        living = self._living()
        nodes = sorted(name for name in (item.decode() for item in await names.future) if name in living)
        answers = [Answer() for _ in nodes]
        for node, answer in zip(nodes, answers, strict=True):
            shard.ask(answer.take, command, self._keys(room, channel, node)[0])
        return {node: await answer.future for node, answer in zip(nodes, answers, strict=True)}

    async def reap(self, dead: str) -> int:
        """Clear away all that a dead node had written. Gives the number of channels. Raises StorageError."""
        n_channels = 0
        listed = [Answer() for _ in range(PARTITIONS)]
        for partition, answer in enumerate(listed):
            index = self._store.keys.presences(partition, dead)
            self._store.shard_at(partition).ask(answer.take, "SMEMBERS", index)
        await asyncio.gather(*(answer.future for answer in listed))
        for partition, answer in enumerate(listed):
            shard, index = self._store.shard_at(partition), self._store.keys.presences(partition, dead)
            for address in await answer.future:
                room, _, channel = address.decode().partition("/")
                here, nodes, _ = self._keys(room, channel, dead)
                for command in (("DEL", here), ("SREM", nodes, dead), ("SREM", index, address)):
                    done = Answer()
                    shard.call(done.take, *command)
                    await done.future
                n_channels += 1
        return n_channels

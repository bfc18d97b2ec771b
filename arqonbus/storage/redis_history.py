"""RedisHistory: all logs in Redis, as SharedHistory promises. Any number of nodes may have one on the same Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Literal

from arqonbus.storage.redis_calls import Answer
from arqonbus.storage.redis_group import RedisGroup
from arqonbus.storage.redis_group_scripts import DELETE_GROUP
from arqonbus.storage.redis_keys import partition_of
from arqonbus.storage.redis_line import Held
from arqonbus.storage.redis_log import RedisLog
from arqonbus.storage.redis_publisher import Publisher
from arqonbus.storage.redis_reads import READ
from arqonbus.storage.redis_room_feed import RedisRoomFeed
from arqonbus.storage.redis_scripts import DELETE
from arqonbus.storage.redis_shard import Shard
from arqonbus.storage.redis_store import RedisSetup, RedisStore
from arqonbus.storage.shared_group import MEMBERS_S
from arqonbus.storage.shared_log import LinkState, Opening, Tell, TellRoom

__all__ = ["RedisHistory"]

FORGET_S = 5.0  # how often feeds forget marks: a failover takes less than two of these
LOGS_A_GO = 500  # that are looked at before others have their turn


class RedisHistory:
    """The store of one node. Made on the loop that serves; ``start`` it, and ``close`` it in the end."""

    backend: Literal["memory", "redis"] = "redis"

    def __init__(self, setup: RedisSetup) -> None:
        self.store = RedisStore(setup)
        self._publisher = Publisher(self.store)
        self._logs: dict[tuple[str, str], RedisLog] = {}
        self._rooms: dict[str, RedisRoomFeed] = {}
        self._busy: set[RedisLog] = set()  # those whose feed has something to forget
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()  # set at each change of a link's state
        self.store.on_state.append(self._state_changed)
        self.store.on_wires.append(self._wires_up)
        self.store.on_moved.append(self._moved)

    # --- life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect; returns at once. Everything may be used before Redis is there."""
        self.store.start()
        self._publisher.start()
        self._begin(self._forget_for_ever())

    async def settled(self) -> LinkState:
        """Wait until it is known whether Redis is there: ``up``, or ``local`` after the patience of the setup."""
        while (state := self.state) not in ("up", "local"):
            self._changed.clear()
            await self._changed.wait()
        return state

    async def close(self) -> None:
        """End all: what still waits is refused."""
        for log in list(self._logs.values()):
            log.close()
        for feed in list(self._rooms.values()):
            feed.close()
        for task in self._tasks:
            task.cancel()
        self._publisher.close()
        await self.store.close()

    @property
    def state(self) -> LinkState:
        """Whether Redis is within reach; the worst of its primaries."""
        return self.store.state

    @property
    def n_held(self) -> int:
        """Entries that have no outcome yet."""
        return self._publisher.held.n

    @property
    def held(self) -> Held:
        """Entries that have no outcome yet, and how many had a bad one."""
        return self._publisher.held

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- SharedHistory ------------------------------------------------------------------------------------------

    def open(self, room: str, channel: str, opening: Opening, tell: Tell) -> RedisLog:
        """See SharedHistory."""
        log = RedisLog(self.store, self._publisher, (room, channel), opening, tell, self._closed)
        self._logs[room, channel] = log
        self._busy.add(log)
        asyncio.get_running_loop().call_soon(log.start)
        return log

    def follow(self, room: str, tell: TellRoom) -> RedisRoomFeed:
        """See SharedHistory."""
        feed = self._rooms[room] = RedisRoomFeed(self.store, room, tell, self._room_closed)
        return feed

    async def note(self, room: str, channel: str) -> bytes | None:
        """See SharedHistory."""
        keys = self.store.keys
        note: bytes | None = await self._ask(room, "GET", keys.note(room, channel))
        if note is None and await self._ask(room, "EXISTS", keys.log(room, channel)):
            return b""
        return note

    async def channels(self, room: str) -> Sequence[str]:
        """See SharedHistory. O(channels of the room)."""
        index = self.store.keys.channels(room)
        names = sorted(name.decode() for name in await self._ask(room, "ZRANGE", index, 0, -1))
        there = await asyncio.gather(*(self._ask(room, "EXISTS", self.store.keys.log(room, name)) for name in names))
        gone = [name for name, is_there in zip(names, there, strict=True) if not is_there]
        if gone:  # expired: nothing tells the index
            await self._ask(room, "ZREM", index, *gone)
        return [name for name in names if name not in gone]

    async def holds(self, room: str, channel: str) -> bool:
        """See SharedHistory."""
        log = self._logs.get((room, channel))
        bounds = (0, 1_000_000, 2**40) if log is None else log.bounds()
        answer = await self._read(room, READ, self.store.keys.log(room, channel), "", "", 0, 0, 0, *bounds)
        return answer is not None and answer[1] > 0

    async def delete(self, room: str, channel: str) -> bool:
        """See SharedHistory."""
        keys, store = self.store.keys, self.store
        ids = keys.ids(room, channel)
        window_ms = int(store.setup.dedupe_s * 1000)
        window = store.now_ms() // window_ms if window_ms else 0
        names = [keys.log(room, channel), keys.note(room, channel), keys.groups(room, channel)]
        names += [f"{ids}:{window}", f"{ids}:{window - 1}", keys.channels(room)]
        feeds = (keys.feed(room, channel), keys.room_feed(room))
        deleted: int = await self._read(room, DELETE, *names, channel, *feeds, store.publish)
        return bool(deleted)

    def group(self, room: str, channel: str, group: str) -> RedisGroup:
        """See SharedHistory."""
        return RedisGroup(self.store, (room, channel), group)

    async def delete_group(self, room: str, channel: str, group: str) -> bool | None:
        """See SharedHistory."""
        since = self.store.now_ms() - int(MEMBERS_S * 1000)
        names = (self.store.keys.log(room, channel), self.store.keys.groups(room, channel))
        answer: int = await self._read(room, DELETE_GROUP, *names, group, since)
        return None if answer < 0 else bool(answer)

    def sweep(self) -> None:
        """See SharedHistory: trims the logs that are open here; all others end by themselves."""
        self._begin(self._sweep())

    async def _sweep(self) -> None:
        for i, log in enumerate(list(self._logs.values())):
            log.trim()
            if i % LOGS_A_GO == LOGS_A_GO - 1:
                await asyncio.sleep(0)

    # --- calls --------------------------------------------------------------------------------------------------

    def _ask(self, room: str, *args: str | bytes | int) -> Awaitable[Any]:
        answered = Answer()
        self.store.shard_of(room).ask(answered.take, *args)
        return answered.future

    def _read(self, room: str, script: Any, *args: str | bytes | int) -> Awaitable[Any]:
        answered = Answer()
        self.store.shard_of(room).read(answered.take, script, *args)
        return answered.future

    # --- what happens to Redis ----------------------------------------------------------------------------------

    def _state_changed(self, shard: Shard, state: LinkState) -> None:
        self._changed.set()
        if state == "holding":
            return
        for log in list(self._logs.values()):
            if log.feed.shard is shard:
                if state == "local":
                    log.feed.went_local()
                else:
                    log.feed.came_back()

    def _wires_up(self, shard: Shard) -> None:
        for log in list(self._logs.values()):
            if log.feed.shard is shard:
                log.retry()

    def _moved(self, partition: int, before: Shard, now: Shard) -> None:
        for (room, _), log in list(self._logs.items()):
            if partition_of(room) == partition:
                log.feed.move(now)
        for room, feed in list(self._rooms.items()):
            if partition_of(room) == partition:
                feed.move(before, now)
        self._changed.set()

    def _room_closed(self, feed: RedisRoomFeed) -> None:
        if self._rooms.get(feed.room) is feed:
            del self._rooms[feed.room]

    def _closed(self, log: RedisLog) -> None:
        self._busy.discard(log)
        if self._logs.get(log.name) is log:
            del self._logs[log.name]

    async def _forget_for_ever(self) -> None:
        while True:
            await asyncio.sleep(FORGET_S)
            for i, log in enumerate(list(self._busy)):
                log.feed.forget()
                if i % LOGS_A_GO == LOGS_A_GO - 1:
                    await asyncio.sleep(0)

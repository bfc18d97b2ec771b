"""RedisGroup: a durable group in Redis, as SharedGroup promises. See `redis_group_scripts` for what a lease is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from arqonbus.errors import StorageError
from arqonbus.storage.redis_calls import Answer
from arqonbus.storage.redis_frames import Place, place_of
from arqonbus.storage.redis_group_scripts import (
    ACK,
    DELETE_GROUP,
    GIVE_BACK,
    LIFE_MS,
    OPEN_GROUP,
    RELEASED,
    STANDING,
    TAKE,
)
from arqonbus.storage.redis_scripts import Script
from arqonbus.storage.redis_store import RedisStore
from arqonbus.storage.redis_wire import code_of
from arqonbus.storage.shared_group import MEMBERS_S, GroupOptions, GroupStanding, Holding, Start, Work

__all__ = ["RedisGroup"]

MOST_TAKEN = 1000  # at once: what Lua can hand to one command, with room to spare
MOST_LOST = 1000  # entries looked through at once for those whose answer was lost


class RedisGroup:
    """One group on one node.

    Args:
        store: the way to Redis.
        name: room and channel.
        group: its name.
    """

    def __init__(self, store: RedisStore, name: tuple[str, str], group: str) -> None:
        self._store = store
        self._room = name[0]
        self._log, self._groups = store.keys.log(*name), store.keys.groups(*name)
        self._group = group
        self._me = store.setup.node
        self._options = GroupOptions()
        self._leased: dict[Place, float] = {}  # until when, on the loop's clock; oldest first
        self._is_unsure = False  # the answer to a take was lost: what it took is leased, and nobody knows of it
        self._loop = asyncio.get_running_loop()

    def open(self, options: GroupOptions, start: Start) -> Awaitable[GroupOptions]:
        """See SharedGroup."""
        return self._opened(self._open(options, start))

    def _open(self, options: GroupOptions, start: Start) -> Awaitable[Any]:
        begin = "" if start is None else start
        written = msgspec.json.encode(options)
        now, life = self._store.now_ms(), ("", "", "")
        if not options.lasts:
            life = (str(now - int(MEMBERS_S * 1000)), self._me, str(LIFE_MS))
        return self._run(OPEN_GROUP, self._log, self._groups, self._group, written, begin, now, *life)

    async def _opened(self, answer: Awaitable[bytes]) -> GroupOptions:
        self._options = msgspec.json.decode(await answer, type=GroupOptions)
        return self._options

    # --- work ---------------------------------------------------------------------------------------------------

    def take(self, n: int, members: int | None = None) -> Awaitable[Sequence[Work]]:
        """See SharedGroup."""
        if self._is_unsure:
            return self._there(self._take_anew(n, members))
        return self._there(self._taken(self._ask_for(n, members)))

    def _ask_for(self, n: int, members: int | None) -> Awaitable[Any]:
        most, told = min(n, MOST_TAKEN), "" if members is None else members
        now, life = self._store.now_ms(), "" if self._options.lasts else LIFE_MS
        facts = (self._group, self._me, self._wait_ms, most, told, now, life)
        self._is_unsure = True
        return self._run(TAKE, self._log, self._groups, *facts)

    async def _take_anew(self, n: int, members: int | None) -> Sequence[Work]:
        """Give back what lost answers took, then take."""
        await self._give_back_lost()
        return await self._taken(self._ask_for(n, members))

    async def _there(self, taking: Awaitable[Sequence[Work]]) -> Sequence[Work]:
        """Make a group again that was lost with its log."""
        try:
            return await taking
        except StorageError as error:
            if code_of(error) != "NOGROUP":
                raise
            self._is_unsure = False
            await self._open(self._options, 0 if self._options.lasts else None)
            return ()

    async def _taken(self, answer: Awaitable[list[Any]]) -> Sequence[Work]:
        until = self._loop.time() + self._options.ack_wait_s
        rows = await answer
        self._is_unsure = False
        self._forget_old()
        works = []
        for i in range(0, len(rows), 3):
            place = place_of(rows[i])
            self._leased[place] = until
            works.append(Work(str(place.epoch), place.seq, rows[i + 2], rows[i + 1]))
        return works

    async def _give_back_lost(self) -> None:
        rows = await self._call("XPENDING", self._log, self._group, "-", "+", MOST_LOST, self._me)
        lost: list[str | int] = []
        for entry, _, _, count in rows:
            if place_of(entry) not in self._leased:
                lost += [entry.decode(), count, count - 1]
        if lost:
            await self._run(GIVE_BACK, self._log, self._group, self._me, self._wait_ms, *lost)
        self._is_unsure = len(rows) == MOST_LOST

    def ack(self, works: Sequence[Work], *, dead: bool = False) -> Awaitable[int]:
        """See SharedGroup."""
        pairs: list[str | int] = []
        for work in works:
            pairs += [_id(work), work.attempt]
        return self._run(ACK, self._log, self._groups, self._group, self._me, int(dead), *pairs)

    def give_back(self, works: Sequence[Work], *, after_s: float = 0.0, counts: bool = True) -> Awaitable[None]:
        """See SharedGroup."""
        facts: list[str | int] = []
        for work in works:
            facts += [_id(work), work.attempt, work.attempt if counts else work.attempt - 1]
            self._leased.pop(Place(int(work.epoch), work.seq), None)
        idle_ms = max(0, self._wait_ms - int(after_s * 1000))
        return self._run(GIVE_BACK, self._log, self._group, self._me, idle_ms, *facts)

    def _forget_old(self) -> None:
        """Forget leases that are over: they are given back by that, and known to Redis."""
        now = self._loop.time()
        for place in [place for place, until in self._leased.items() if until < now]:
            del self._leased[place]

    # --- what is known of it ------------------------------------------------------------------------------------

    def standing(self) -> Awaitable[GroupStanding | None]:
        """See SharedGroup."""
        since = self._store.now_ms() - int(MEMBERS_S * 1000)
        return _standing(self._run(STANDING, self._log, self._groups, self._group, since))

    def close(self, works: Sequence[Work] = ()) -> None:
        """See SharedGroup. Nothing is kept open for it."""
        last_words: list[Awaitable[Any]] = [self.give_back(works, counts=False), self._ask_for(0, 0)]
        if not self._options.lasts:
            since = self._store.now_ms() - int(MEMBERS_S * 1000)
            last_words.append(self._run(DELETE_GROUP, self._log, self._groups, self._group, since))
        for last in last_words:
            asyncio.ensure_future(last).add_done_callback(_see)

    # --- calls --------------------------------------------------------------------------------------------------

    @property
    def _wait_ms(self) -> int:
        return int(self._options.ack_wait_s * 1000)

    def _run(self, script: Script, *args: str | bytes | int) -> Awaitable[Any]:
        return _asked(lambda home: self._store.shard_of(self._room).run(home, script, *args))

    def _call(self, *args: str | bytes | int) -> Awaitable[Any]:
        return _asked(lambda home: self._store.shard_of(self._room).call(home, *args))


def _asked(ask: Callable[[Callable[[Any], None]], None]) -> Awaitable[Any]:
    answer = Answer()
    ask(answer.take)
    return answer.future


async def _standing(answer: Awaitable[Any]) -> GroupStanding | None:
    told = await answer
    if told is None:
        return None
    options, in_work, behind, oldest, consumers, members, redelivered, dead = told
    work = {name.decode(): int(n) for name, n in consumers if name.decode() != RELEASED}
    there = {members[i].decode(): members[i + 1] for i in range(0, len(members), 2)}
    by_node = {node: Holding(there.get(node, 0), work.get(node, 0)) for node in sorted({*work, *there})}
    stands = msgspec.json.decode(options, type=GroupOptions)
    return GroupStanding(stands, in_work, behind, place_of(oldest).seq, by_node, redelivered, dead)


def _see(done: asyncio.Future[Any]) -> None:
    """Look at an outcome that nobody waits for: its leases end by themselves if it failed."""
    if not done.cancelled():
        done.exception()


def _id(work: Work) -> str:
    return f"{work.epoch}-{work.seq}"

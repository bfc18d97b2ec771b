"""DurableGroup: a group of consumers on a durable channel, over any number of nodes. Each event is given to one of them
until it is acknowledged: at least once.

To Redis a node is one consumer; among its own members the node gives out by itself. What was not acknowledged in time
is taken over, by whichever node has room for it, and with it everything that a dead node had in work. An event that was
given too often is buried: a channel for such events takes it, and it is acknowledged.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from arqonbus.errors import StorageError
from arqonbus.storage.redis_calls import Answer
from arqonbus.storage.redis_frames import Place, place_of
from arqonbus.storage.redis_group_scripts import CLAIM, CLOSE_GROUP, GROUP_INFO, OPEN_GROUP
from arqonbus.storage.redis_shard import Shard
from arqonbus.storage.redis_store import RedisStore
from arqonbus.storage.redis_wire import code_of
from arqonbus.storage.redis_work import GroupInfo, GroupSetup, Work

__all__ = ["DurableGroup"]

POLL_S = 1.0  # between looks for new events that nobody rang for
RELEASED = "released"  # the consumer of what nobody has in work


class _Member:
    """One consumer here."""

    __slots__ = ("given", "most", "take")

    def __init__(self, take: Callable[[Work], None], most: int) -> None:
        self.take = take
        self.most = most  # events that it may have in work
        self.given: dict[Place, tuple[Work, float]] = {}  # with when, monotonic seconds; oldest first


class DurableGroup:
    """One group on one node. Args: ``store``, the channel's ``name`` (room, channel), ``setup``."""

    def __init__(self, store: RedisStore, name: tuple[str, str], setup: GroupSetup) -> None:
        self._store = store
        self._setup = setup
        self._room = name[0]
        self._log, self._groups = store.keys.log(*name), store.keys.groups(*name)
        self._me = store.setup.node
        self._members: dict[str, _Member] = {}
        self._turn: deque[str] = deque()  # clients, the next to be given something first
        self._waiting: deque[Work] = deque()  # taken from a member that left, for the others
        self._is_reading = self._is_rung = False  # rung: since the read under way was asked for
        self._cursor = "0-0"  # of the sweep
        self._tasks: list[asyncio.Task[None]] = []
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        store.on_wires.append(self._wires_up)

    # --- life ---------------------------------------------------------------------------------------------------

    async def open(self) -> bytes:
        """Make the group, if there is none, and begin. Gives the options that stand. Raises StorageError."""
        setup, loop = self._setup, self._loop
        start = "" if setup.start is None else setup.start
        options: bytes = await self._run(OPEN_GROUP, self._log, self._groups, setup.name, setup.options, start)
        self._tasks = [loop.create_task(self._poll_for_ever()), loop.create_task(self._sweep_for_ever())]
        return options

    async def close(self) -> None:
        """Leave it: what members here have in work is given to others at once."""
        self._is_closed = True
        if self._wires_up in self._store.on_wires:
            self._store.on_wires.remove(self._wires_up)
        for task in self._tasks:
            task.cancel()
        in_work = [place for member in self._members.values() for place in member.given]
        self._members.clear()
        self._turn.clear()
        await self._release([*in_work, *(work.place for work in self._waiting)])

    async def delete(self) -> bool:
        """Forget the group on all nodes. Gives whether there was one. Raises StorageError."""
        return bool(await self._run(CLOSE_GROUP, self._log, self._groups, self._setup.name))

    async def info(self) -> GroupInfo | None:
        """Say how it stands over all nodes; None: it is gone. Raises StorageError."""
        told = await self._run(GROUP_INFO, self._log, self._setup.name)
        if told is None:
            return None
        by_node = {name.decode(): int(n) for name, n in told[3] if name.decode() != RELEASED}
        return GroupInfo(told[0], told[1], place_of(told[2]).seq, by_node)

    # --- members ------------------------------------------------------------------------------------------------

    def enter(self, client: str, take: Callable[[Work], None], most: int = 32) -> None:
        """Give events to a client of this node, at most ``most`` that it has not acknowledged."""
        self._members[client] = _Member(take, most)
        self._turn.append(client)
        self.ring()

    def leave(self, client: str) -> None:
        """Give it none any more; what it has in work goes to others. Without effect if it is not in."""
        member = self._members.pop(client, None)
        if member is None:
            return
        self._turn.remove(client)
        if self._members:
            self._waiting.extend(work for work, _ in member.given.values())
            self._hand_out()
        else:
            places = [*member.given, *(work.place for work in self._waiting)]
            self._waiting.clear()
            self._begin(self._release(places))

    async def ack(self, client: str, epoch: str, seqs: Sequence[int]) -> int:
        """Take a client's word that events are done. Gives how many were in work. Raises StorageError."""
        member, places = self._members.get(client), [Place(int(epoch), seq) for seq in seqs]
        if member is None or not places:
            return 0
        acked: int = await self._call("XACK", self._log, self._setup.name, *_ids(places))
        for place in places:
            member.given.pop(place, None)
        self.ring()
        return acked

    def ring(self) -> None:
        """Look for new events: some may have come, or somebody may have room."""
        self._hand_out()
        self._is_rung = True
        if not self._is_reading and self._room_left() > 0 and not self._is_closed:
            self._is_reading, self._is_rung = True, False
            self._begin(self._read(">"))

    def renumbered(self) -> None:
        """Take the news that the log has a new epoch: what is in work has other places there, and is given again."""
        self._waiting.clear()
        for member in self._members.values():
            member.given.clear()

    # --- giving out ---------------------------------------------------------------------------------------------

    def _room_left(self) -> int:
        return sum(max(0, member.most - len(member.given)) for member in self._members.values()) - len(self._waiting)

    def _hand_out(self) -> None:
        while self._waiting:
            member = self._next()
            if member is None:
                return
            work = self._waiting.popleft()
            member.given[work.place] = (work, self._loop.time())
            member.take(work)

    def _next(self) -> _Member | None:
        """Give the member whose turn it is among those that have room."""
        for _ in range(len(self._turn)):
            client = self._turn[0]
            self._turn.rotate(-1)
            member = self._members[client]
            if len(member.given) < member.most:
                return member
        return None

    def _is_here(self, place: Place) -> bool:
        is_given = any(place in member.given for member in self._members.values())
        return is_given or any(work.place == place for work in self._waiting)

    def _forget_late(self) -> None:
        """Forget what was not acknowledged in time: whoever takes it over next, it is not ours any more."""
        too_old = self._loop.time() - self._setup.ack_wait_s
        for member in self._members.values():
            for place in [place for place, (_, at) in member.given.items() if at <= too_old]:
                del member.given[place]

    # --- Redis --------------------------------------------------------------------------------------------------

    async def _read(self, start: str) -> None:
        """Take what is new (``>``), or what Redis says that we have in work (``0``) and we don't know of."""
        n = max(1, self._room_left()) if start == ">" else 1000
        try:
            command = ("XREADGROUP", "GROUP", self._setup.name, self._me, "COUNT", n, "STREAMS", self._log, start)
            answer = await self._call(*command, by_reads=True)
        except StorageError as error:
            if code_of(error) == "NOGROUP":  # the log was lost, and the group with it
                facts = (self._setup.name, self._setup.options, 0)
                await self._quietly(self._run(OPEN_GROUP, self._log, self._groups, *facts))
            return
        finally:
            if start == ">":
                self._is_reading = False
        rows = answer[0][1] if answer else []
        for entry, fields in rows:
            place = place_of(entry)
            if fields and not self._is_here(place):  # without fields: it is in work, but retention took it
                self._waiting.append(Work(str(place.epoch), place.seq, fields[5], 1))
        self._hand_out()
        if start == ">" and (self._is_rung or len(rows) == n):
            self.ring()

    def _wires_up(self, shard: Shard) -> None:
        """What an answer that was lost had given us is in work here, and nobody knows of it."""
        if self._store.shard_of(self._room) is shard and self._members:
            self._begin(self._read("0"))

    async def _sweep(self) -> None:
        """Take over what has been in work for too long, here or on any node; bury what was given too often."""
        self._forget_late()
        room = self._room_left()
        if room <= 0:
            return
        wait_ms = int(self._setup.ack_wait_s * 1000)
        found = await self._run(CLAIM, self._log, self._setup.name, self._me, wait_ms, self._cursor, min(room, 100))
        self._cursor = found[0].decode()
        for i in range(1, len(found), 3):
            place = place_of(found[i])
            work = Work(str(place.epoch), place.seq, found[i + 2], int(found[i + 1]))
            if work.n_given > self._setup.max_deliver:
                await self._bury(place, work)
            else:
                self._waiting.append(work)
        self._hand_out()

    async def _bury(self, place: Place, work: Work) -> None:
        bury = self._setup.bury
        self._store.setup.notice("event_given_too_often", log=self._log, group=self._setup.name, seq=work.seq)
        if bury is None or await bury(work):
            await self._call("XACK", self._log, self._setup.name, *_ids([place]))

    async def _release(self, places: list[Place]) -> None:
        """Let others take over at once, without counting it as another time given."""
        if places:
            wait_ms = int(self._setup.ack_wait_s * 1000)
            who = ("XCLAIM", self._log, self._setup.name, RELEASED, 0)
            await self._quietly(self._call(*who, *_ids(places), "IDLE", wait_ms, "JUSTID"))

    async def _poll_for_ever(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            self.ring()

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._setup.ack_wait_s / 3)
            await self._quietly(self._sweep())

    async def _quietly(self, work: Awaitable[Any]) -> None:
        """Do what is done again later, if it fails."""
        try:
            await work
        except StorageError as error:
            self._store.setup.notice("redis_group_failed", log=self._log, group=self._setup.name, error=error)

    def _begin(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks = [*(old for old in self._tasks if not old.done()), task]

    def _run(self, script: Any, *args: str | bytes | int) -> Awaitable[Any]:
        answer = Answer()
        self._store.shard_of(self._room).run(answer.take, script, *args)
        return answer.future

    def _call(self, *args: str | bytes | int, by_reads: bool = False) -> Awaitable[Any]:
        answer, shard = Answer(), self._store.shard_of(self._room)
        (shard.ask if by_reads else shard.call)(answer.take, *args)
        return answer.future


def _ids(places: Sequence[Place]) -> list[str]:
    return [f"{place.epoch}-{place.seq}" for place in places]

"""Publisher: takes what all channels of a node append, and sees each entry to an outcome.

What the channels of one tick append goes out in one write, one call for each channel. While Redis is away, entries
wait, in order, bounded in number, in bytes and in time; past the patience of the link they are refused at once.

An outcome is the truth: Stored was answered by Redis. Rejected was certainly not stored: it was never sent, or Redis
refused it before it did anything. Unsure was sent, and no answer came while there was patience to ask again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from arqonbus.storage.redis_line import Batch, Held, Item, Line
from arqonbus.storage.redis_reads import TRIM
from arqonbus.storage.redis_scripts import APPEND
from arqonbus.storage.redis_shard import Shard
from arqonbus.storage.redis_store import RedisStore
from arqonbus.storage.redis_wire import ReplyError, WireLost
from arqonbus.storage.shared_log import Appended, Entry, LinkState, Rejected

__all__ = ["PATIENT", "Publisher"]

MOST_CALLS = 256  # under way at one primary: enough to keep it busy at 20 ms of distance
RETRY_S = 0.05  # between attempts that Redis refuses for the moment
WATCH_S = 0.25  # between looks for what waits too long

PATIENT = frozenset(
    {"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "MOVED", "ASK", "TRYAGAIN", "BUSY", "NOSCRIPT", "UNBLOCKED"}
)
"""Codes that say: not here, or not now. Nothing was executed, and the next attempt may well succeed."""


class Publisher:
    """All lines of one node."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._ready: dict[Line, None] = {}  # lines that may have something to send, in the order in which they came
        self._is_scheduled = False
        self._is_closed = False
        self._n_marks = 0
        self._mark = f"{store.setup.node}."
        self._watch: asyncio.Task[None] | None = None
        self.held = Held()
        store.on_state.append(self._state_changed)
        store.on_wires.append(lambda shard: self._schedule())

    def start(self) -> None:
        """Begin to watch for what waits too long."""
        self._watch = self._loop.create_task(self._watch_for_ever())

    def close(self) -> None:
        """End it: what still waits is given up, and what is under way as soon as its wire is closed."""
        self._is_closed = True
        if self._watch is not None:
            self._watch.cancel()
        for line in list(self._ready):
            line.give_up("the bus is stopping")

    # --- in -----------------------------------------------------------------------------------------------------

    def append(self, line: Line, entries: Sequence[Entry]) -> asyncio.Future[Sequence[Appended]]:
        """See SharedLog.append."""
        done: asyncio.Future[Sequence[Appended]] = self._loop.create_future()
        size = sum(len(entry.text) for entry in entries)
        reason = self._why_not(line, len(entries), size)
        if reason or not entries:
            done.set_result([Rejected(reason)] * len(entries))
            return done
        batch = Batch(len(entries), lambda outcomes: None if done.done() else done.set_result(outcomes))
        now, items = self._loop.time(), []
        for index, entry in enumerate(entries):
            self._n_marks += 1
            items.append(Item(entry, f"{self._mark}{self._n_marks:x}", now, batch, index, self.held))
        line.put(items)
        self._ready[line] = None
        self._schedule()
        return done

    def _why_not(self, line: Line, n: int, size: int) -> str:
        """Say why entries can't wait; empty: they can."""
        setup, held = self._store.setup, self.held
        if self._is_closed:
            return "the bus is stopping"
        if self._store.shard_at(line.partition).link.state == "local":
            return "Redis is out of reach"
        if held.n and (held.n + n > setup.hold_messages or held.size + size > setup.hold_bytes):
            return "too much waits for Redis already"
        return ""

    def _schedule(self) -> None:
        if not self._is_scheduled and self._ready:
            self._is_scheduled = True
            self._loop.call_soon(self._flush)

    # --- out ----------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Make one call for each line that has something to send."""
        self._is_scheduled = False
        now = self._loop.time()
        for line in list(self._ready):
            if not len(line):
                del self._ready[line]
            elif line.is_ready and line.not_before <= now:
                shard = self._store.shard_at(line.partition)
                if shard.is_open and shard.n_appends < MOST_CALLS:
                    self._send(line, shard)

    def _send(self, line: Line, shard: Shard) -> None:
        store = self._store
        window_ms = int(store.setup.dedupe_s * 1000)
        args = line.take(store.publish, store.fresh_epoch(), store.now_ms(), window_ms)
        shard.run(lambda answer: self._answered(line, shard, answer), APPEND, *args)

    def _answered(self, line: Line, shard: Shard, answer: Any) -> None:
        if isinstance(answer, WireLost):
            line.again(was_executed=answer.was_sent)
            if self._is_closed or shard.link.state == "local":
                line.give_up("the bus is stopping" if self._is_closed else "Redis is out of reach")
        elif isinstance(answer, ReplyError):
            self._refused(line, shard, answer)
        else:
            self._judge(line, shard, line.answered(answer))
            self._trim(line, shard)
        self._schedule()

    def _judge(self, line: Line, shard: Shard, errors: list[tuple[Item, bytes]]) -> None:
        """Settle, or try again, what Redis refused by itself."""
        again = []
        for item, error in errors:
            code = error.split(b" ", 1)[0].decode()
            if code in PATIENT:
                again.append(item)
            else:
                item.settle(Rejected(error.decode("utf-8", "replace")[:200]))
        if again:
            line.put_back(again)
            self._wait(line, shard, errors[0][1].split(b" ", 1)[0].decode())

    def _refused(self, line: Line, shard: Shard, error: ReplyError) -> None:
        """Take an error in answer to the whole call: nothing of it was executed."""
        line.again(was_executed=False)
        if error.code in PATIENT:
            self._wait(line, shard, error.code)
        else:
            line.give_up(str(error)[:200])

    def _wait(self, line: Line, shard: Shard, code: str) -> None:
        """Have a line tried again in a while."""
        line.not_before = self._loop.time() + RETRY_S
        self._loop.call_later(RETRY_S * 1.1, self._schedule)
        if code in ("READONLY", "MASTERDOWN"):
            shard.cut(f"expected a primary, got {code}")
        elif code in ("MOVED", "ASK", "CLUSTERDOWN"):
            self._store.look_around()

    def _trim(self, line: Line, shard: Shard) -> None:
        now_ms = self._store.now_ms()
        if line.is_to_trim(now_ms):
            line.trimmed(now_ms)
            bounds = line.bounds(now_ms)
            shard.run(lambda answer: None, TRIM, line.keys.log, line.keys.note, *bounds, line.ttl_ms)

    # --- patience -----------------------------------------------------------------------------------------------

    def _state_changed(self, shard: Shard, state: LinkState) -> None:
        if state == "local":
            for line in list(self._ready):
                if self._store.shard_at(line.partition) is shard:
                    line.give_up("Redis is out of reach")

    async def _watch_for_ever(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            too_old = self._loop.time() - self._store.setup.hold_s
            for line in list(self._ready):
                if self._store.shard_at(line.partition).link.state == "holding":
                    continue  # whose own patience ends as local: only then can the events go on without the store
                if line.oldest_at is not None and line.oldest_at < too_old:
                    line.give_up("Redis did not answer in time")

"""MemoryHistory: the default store, a ring for each channel. Never suspends; gone with the process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Literal

from arqonbus.storage.history import Page, Retention
from arqonbus.storage.recent import Recent

__all__ = ["MemoryHistory", "MemoryLog"]

MAX_IDLE_POSITIONS = 100_000  # logs without events and without a writer whose position is still known; about 25 MB
AGE_STEP_S = 0.05  # how fine the age of events is known: an entry for each append would cost as much as the append
_NO_AGE = (float("-inf"), 0.0)  # stands for the newest age where there is none


class _Total:
    """Bytes over all logs of a store, and what to do when they are too many."""

    __slots__ = ("make_room", "most", "size")

    def __init__(self, most: int, make_room: Callable[[], None]) -> None:
        self.most = most
        self.size = 0
        self.make_room = make_room


class MemoryLog:
    """One channel's events, oldest first. Seqs are dense: the event at index i has seq ``top - len + 1 + i``."""

    __slots__ = (
        "_ages",
        "_clock",
        "_most",
        "_most_bytes",
        "_newest",
        "_retention",
        "_size",
        "_texts",
        "_total",
        "epoch",
        "is_open",
        "note",
        "recent",
        "top",
        "touched_at",
    )

    def __init__(
        self, epoch: str, retention: Retention, clock: Callable[[], float], total: _Total, recent: Recent
    ) -> None:
        self.epoch = epoch
        self.top = 0
        self.recent = recent
        self.note = b""  # see History.note
        self.is_open = True
        self.touched_at = clock()  # of the last append, open or close
        self._clock, self._total = clock, total
        self._texts: deque[bytes] = deque()
        self._ages: deque[list[float]] = deque()  # [time, top by then], at least AGE_STEP_S apart: ascending in both
        self._newest = list(_NO_AGE)  # the last of _ages
        self._size = 0  # bytes of _texts
        self.retain(retention)

    @property
    def keeps(self) -> bool:
        """See Log."""
        return self._retention.messages > 0 and self._retention.size_bytes > 0

    @property
    def size(self) -> int:
        """Bytes of text kept now."""
        return self._size

    def __len__(self) -> int:
        """Count the events kept now."""
        return len(self._texts)

    def append(self, texts: Sequence[bytes]) -> int:
        """See Log. Amortized O(1) an event; in one function, since it runs for every turn of every channel."""
        self.top = top = self.top + len(texts)
        if not (most := self._most):
            return top
        self.touched_at = now = self._clock()
        kept, total, newest = self._texts, self._total, self._newest
        size = 0
        for text in texts:
            kept.append(text)
            size += len(text)
        while len(kept) > most:
            size -= len(kept.popleft())
        self._size = size_kept = self._size + size
        total.size += size
        if now < newest[0] + AGE_STEP_S:
            newest[1] = top
        else:
            self._newest = [now, top]
            self._ages.append(self._newest)
            self.trim(now)
        if size_kept > self._most_bytes:
            self._drop(0, self._most_bytes)
        if total.size > total.most:
            total.make_room()
        return top

    def read(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        newest_first: bool = False,
        limit: int = 100,
        size_bytes: int | None = None,
    ) -> Page:
        """See Log. O(events given + distance from the nearer end)."""
        self.trim(self._clock())
        n = len(self._texts)
        first = self.top - n + 1
        low = max(first, 0 if after is None else after + 1)  # inclusive
        high = min(self.top, self.top if before is None else before - 1)  # inclusive
        seqs = range(high, low - 1, -1) if newest_first else range(low, high + 1)
        events = self._take(seqs[:limit], size_bytes)
        return Page(events, len(events) < len(seqs), first if n else 0, self.top if n else 0)

    def _take(self, seqs: range, size_bytes: int | None) -> list[tuple[int, bytes]]:
        events: list[tuple[int, bytes]] = []
        size = 0
        for seq, text in zip(seqs, self._slice(seqs), strict=True):
            size += len(text)
            if size_bytes is not None and size > size_bytes and events:
                break
            events.append((seq, text))
        return events

    def _slice(self, seqs: range) -> Iterator[bytes]:
        """Give the texts of ``seqs``, walking the deque once from the nearer end."""
        if not seqs:
            return iter(())
        n, first = len(self._texts), self.top - len(self._texts) + 1
        low, high = min(seqs[0], seqs[-1]) - first, max(seqs[0], seqs[-1]) - first  # indices, inclusive
        if low <= n - 1 - high:
            ascending = list(islice(self._texts, low, high + 1))
        else:
            ascending = list(islice(reversed(self._texts), n - 1 - high, n - low))[::-1]
        return iter(ascending) if seqs.step > 0 else reversed(ascending)

    def retain(self, retention: Retention) -> None:
        """See Log."""
        self._retention = retention
        self._most_bytes = retention.size_bytes  # of _retention, for append; likewise _most, 0 if nothing is kept
        self._most = retention.messages if self._most_bytes else 0
        self.trim(self._clock())

    def close(self) -> None:
        """See Log."""
        self.is_open = False
        self.touched_at = self._clock()

    def trim(self, now: float) -> None:
        """Drop what is over a bound."""
        retention, ages = self._retention, self._ages
        n_gone = max(0, len(self._texts) - retention.messages)
        oldest_ok = now - retention.age_s
        gone = self.top - len(self._texts) + n_gone  # seq up to which all is gone
        while ages and (ages[0][0] < oldest_ok or ages[0][1] <= gone):
            n_gone = max(n_gone, int(ages.popleft()[1]) - (self.top - len(self._texts)))
        if not ages:
            self._newest = list(_NO_AGE)
        if n_gone or self._size > retention.size_bytes:
            self._drop(n_gone, retention.size_bytes)

    def drop_oldest(self, n: int) -> None:
        """Drop ``n`` events at least, for the bound over all logs."""
        self._drop(n, self._size)

    def _drop(self, n: int, size_bytes: int) -> None:
        """Drop the oldest ``n``, and more until the size is within ``size_bytes``."""
        texts = self._texts
        size = self._size
        while texts and (n > 0 or size > size_bytes):
            size -= len(texts.popleft())
            n -= 1
        self._total.size += size - self._size
        self._size = size


class MemoryHistory:
    """Rings in this process. Bounded by each log's retention, and in all by ``total_bytes``.

    Args:
        total_bytes: most bytes of text over all logs; past it the log touched longest ago loses its older half first.
        position_ttl_s: how long the position of a log without events and writer is remembered.
        dedupe_s: how long the id of an event is known.
        dedupe_count: how many ids a channel knows.
        clock: monotonic seconds.
        new_epoch: makes a name never used before.
    """

    backend: Literal["memory", "redis"] = "memory"

    def __init__(
        self,
        total_bytes: int,
        position_ttl_s: float,
        clock: Callable[[], float],
        new_epoch: Callable[[], str],
        *,
        dedupe_s: float = 120.0,
        dedupe_count: int = 10_000,
    ) -> None:
        self._total = _Total(total_bytes, self._make_room)
        self._position_ttl_s = position_ttl_s
        self._clock = clock
        self._new_epoch = new_epoch
        self._dedupe_s = dedupe_s
        self._dedupe_count = dedupe_count
        self._rooms: dict[str, dict[str, MemoryLog]] = {}  # room -> channel -> log

    @property
    def size(self) -> int:
        """Bytes of text kept now, over all logs."""
        return self._total.size

    def open(self, room: str, channel: str, retention: Retention, note: bytes = b"") -> MemoryLog:
        """See History."""
        logs = self._rooms.setdefault(room, {})
        log = logs.get(channel)
        if log is None:
            recent = Recent(self._dedupe_s, self._dedupe_count)
            log = logs[channel] = MemoryLog(self._new_epoch(), retention, self._clock, self._total, recent)
        log.is_open, log.note = True, note
        log.retain(retention)
        return log

    def note(self, room: str, channel: str) -> bytes:
        """See History."""
        log = self._rooms.get(room, {}).get(channel)
        return b"" if log is None else log.note

    def holds(self, room: str, channel: str) -> bool:
        """See History."""
        log = self._rooms.get(room, {}).get(channel)
        return log is not None and self._has_events(log)

    def holds_any(self, room: str) -> bool:
        """See History. O(logs of the room)."""
        return any(self._has_events(log) for log in self._rooms.get(room, {}).values())

    def _has_events(self, log: MemoryLog) -> bool:
        log.trim(self._clock())
        return len(log) > 0

    def delete(self, room: str, channel: str) -> None:
        """See History."""
        log = self._rooms.get(room, {}).get(channel)
        if log is not None:
            log.drop_oldest(len(log))  # whoever still holds the log holds no events with it
            self._forget(room, channel)

    def sweep(self) -> None:
        """See History. O(logs)."""
        now = self._clock()
        for logs in self._rooms.values():
            for log in logs.values():
                log.recent.sweep(now)
        idle = [
            (log.touched_at, room, channel)
            for room, logs in self._rooms.items()
            for channel, log in logs.items()
            if not self._has_events(log) and not log.is_open  # in this order: what is old goes from open ones too
        ]
        idle.sort()
        n_over = len(idle) - MAX_IDLE_POSITIONS
        for i, (touched_at, room, channel) in enumerate(idle):
            if i < n_over or now - touched_at > self._position_ttl_s:
                self._forget(room, channel)

    def _forget(self, room: str, channel: str) -> None:
        logs = self._rooms[room]
        del logs[channel]
        if not logs:
            del self._rooms[room]

    def _make_room(self) -> None:
        """Take from the logs touched longest ago, the older half of each first, and an eighth more than must be.

        O(logs log logs), so the eighth matters: without it every append at the bound would cost that.
        """
        total = self._total
        goal = total.most - total.most // 8
        logs = [log for logs in self._rooms.values() for log in logs.values() if len(log)]
        for log in sorted(logs, key=lambda log: log.touched_at):
            while total.size > goal and len(log):
                log.drop_oldest(len(log) // 2 + 1)
            if total.size <= goal:
                return

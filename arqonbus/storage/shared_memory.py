"""MemorySharedHistory: a shared history of one node, in memory. Never suspends; gone with the process.

For tests and simulations of what is written against the shared seam.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from arqonbus.storage.history import Log, Retention
from arqonbus.storage.memory import MemoryHistory
from arqonbus.storage.memory_group import MemoryGroup, MemoryGroupState
from arqonbus.storage.memory_group import Ready as _Ready
from arqonbus.storage.shared_log import (
    Appended,
    Arrived,
    ChannelGone,
    ChannelMade,
    Deleted,
    Entry,
    LinkState,
    Opened,
    Opening,
    RoomFed,
    Said,
    SharedPage,
    Stored,
    Tell,
    TellRoom,
)

__all__ = ["MemoryRoomFeed", "MemorySharedHistory", "MemorySharedLog"]


class MemorySharedLog:
    """One channel's log."""

    def __init__(self, log: Log, tell: Tell, clock: Callable[[], float], on_close: Callable[[], None]) -> None:
        self._log = self.kept = log
        self._tell = tell
        self._clock = clock
        self._on_close = on_close
        self._is_closed = False

    def tell_deleted(self) -> None:
        """Take the news that the log is gone."""
        if not self._is_closed:
            self._tell(Deleted())

    def append(self, entries: Sequence[Entry]) -> Awaitable[Sequence[Appended]]:
        """See SharedLog. The feed tells before this returns."""
        log, now = self._log, self._clock()
        outcomes: list[Appended] = []
        texts: list[bytes] = []
        for entry in entries:
            seq = log.recent.seq_of(entry.key, now) if entry.key else None
            if seq is None:
                texts.append(entry.text)
                seq = log.top + len(texts)
                if entry.key:
                    log.recent.add(entry.key, seq, now)
                outcomes.append(Stored(log.epoch, seq))
            else:
                outcomes.append(Stored(log.epoch, seq, duplicate=True))
        if texts:
            top = log.append(texts)
            if not self._is_closed:
                self._tell(Arrived(log.epoch, top - len(texts) + 1, texts))
        return _Ready(outcomes)

    def read(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        newest_first: bool = False,
        limit: int = 100,
        size_bytes: int | None = None,
    ) -> Awaitable[SharedPage]:
        """See SharedLog."""
        log = self._log
        page = log.read(after=after, before=before, newest_first=newest_first, limit=limit, size_bytes=size_bytes)
        return _Ready(SharedPage(log.epoch, log.top, page.events, page.more, page.first, page.last))

    def say(self, data: bytes) -> Awaitable[int]:
        """See SharedLog."""
        if self._is_closed:
            return _Ready(0)
        self._tell(Said(data))
        return _Ready(1)

    def retain(self, retention: Retention, durable: bool | None = None) -> None:
        """See SharedLog."""
        self._log.retain(retention)

    def close(self) -> None:
        """See SharedLog."""
        if not self._is_closed:
            self._is_closed = True
            self._log.close()
            self._on_close()


class MemoryRoomFeed:
    """What concerns all of a room, with one node to say it."""

    def __init__(self, tell: TellRoom) -> None:
        self._tell: TellRoom | None = tell

    def tell(self, fed: RoomFed) -> None:
        """Pass something on, if anybody still listens."""
        if self._tell is not None:
            self._tell(fed)

    def say(self, data: bytes) -> Awaitable[int]:
        """See RoomFeed."""
        self.tell(Said(data))
        return _Ready(0 if self._tell is None else 1)

    def close(self) -> None:
        """See RoomFeed."""
        self._tell = None


class MemorySharedHistory:
    """A MemoryHistory behind the shared seam.

    Args:
        history: keeps everything.
        clock: monotonic seconds, the same as of the history.
    """

    backend: Literal["memory", "redis"] = "memory"
    state: LinkState = "up"

    def __init__(self, history: MemoryHistory, clock: Callable[[], float]) -> None:
        self._history = history
        self._clock = clock
        self._open: dict[tuple[str, str], MemorySharedLog] = {}
        self._rooms: dict[str, MemoryRoomFeed] = {}
        self._channels: dict[str, set[str]] = {}  # room -> those that were opened and not deleted
        self._groups: dict[tuple[str, str, str], MemoryGroupState] = {}  # by room, channel and name

    def open(self, room: str, channel: str, opening: Opening, tell: Tell) -> MemorySharedLog:
        """See SharedHistory; but Opened is told before this returns, since nothing is to be waited for."""
        known = self._channels.setdefault(room, set())
        created = channel not in known
        known.add(channel)
        note = opening.note if created else self._history.note(room, channel)
        log = self._history.open(room, channel, opening.retention, note)
        shared = MemorySharedLog(log, tell, self._clock, lambda: self._closed(room, channel))
        self._open[room, channel] = shared
        tell(Opened(log.epoch, log.top, note, created))
        if created and room in self._rooms:
            self._rooms[room].tell(ChannelMade(channel))
        return shared

    def follow(self, room: str, tell: TellRoom) -> MemoryRoomFeed:
        """See SharedHistory."""
        feed = self._rooms[room] = MemoryRoomFeed(tell)
        return feed

    def _closed(self, room: str, channel: str) -> None:
        self._open.pop((room, channel), None)

    def group(self, room: str, channel: str, group: str) -> MemoryGroup:
        """See SharedHistory."""
        key = (room, channel, group)
        if key not in self._groups:
            self._groups[key] = MemoryGroupState(self._open[room, channel].kept, self._clock)
        return MemoryGroup(self._groups[key], "here")

    def delete_group(self, room: str, channel: str, group: str) -> Awaitable[bool | None]:
        """See SharedHistory."""
        state = self._groups.get((room, channel, group))
        if state is not None and any(state.members.values()):
            return _Ready(None)
        return _Ready(self._groups.pop((room, channel, group), None) is not None)

    def note(self, room: str, channel: str) -> Awaitable[bytes | None]:
        """See SharedHistory."""
        is_there = channel in self._channels.get(room, ())
        return _Ready(self._history.note(room, channel) if is_there else None)

    def channels(self, room: str) -> Awaitable[Sequence[str]]:
        """See SharedHistory."""
        return _Ready(sorted(self._channels.get(room, ())))

    def holds(self, room: str, channel: str) -> Awaitable[bool]:
        """See SharedHistory."""
        return _Ready(self._history.holds(room, channel))

    def delete(self, room: str, channel: str) -> Awaitable[bool]:
        """See SharedHistory."""
        known = self._channels.get(room, set())
        if channel not in known:
            return _Ready(False)
        known.discard(channel)
        self._history.delete(room, channel)
        for key in [key for key in self._groups if key[:2] == (room, channel)]:
            del self._groups[key]
        shared = self._open.get((room, channel))
        if shared is not None:
            shared.tell_deleted()
        if room in self._rooms:
            self._rooms[room].tell(ChannelGone(channel))
        return _Ready(True)

    def sweep(self) -> None:
        """See SharedHistory."""
        self._history.sweep()

"""KeptLog: one channel's log as a store keeps it that several nodes write; with faults that only stores have. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from arqonbus.storage.history import Page, Retention
from arqonbus.storage.shared_log import Entry, SharedPage, Stored

__all__ = ["Kept", "KeptLog"]


DEDUPE_S = 120.0  # that a key is known, as by default


class Kept(Struct, frozen=True, gc=False):
    """One event in its place."""

    seq: int
    mark: int  # its own, in all epochs
    text: bytes
    at: float  # monotonic seconds


class KeptLog:
    """Events with the seqs that follow each other, the newest last.

    Args:
        epoch: of now.
        note: see Opening.
        retention: what it keeps.
    """

    def __init__(self, epoch: str, note: bytes, retention: Retention) -> None:
        self.epoch = epoch
        self.note = note
        self.retention = retention
        self.top = 0
        self.now = 0.0  # monotonic seconds
        self._kept: list[Kept] = []
        self._by_key: dict[str, tuple[str, Kept]] = {}  # with the epoch that it was in
        self._n_marks = 0

    @property
    def keeps(self) -> bool:
        """Whether it keeps any event."""
        return self.retention.messages > 0 and self.retention.size_bytes > 0

    @property
    def kept(self) -> Sequence[Kept]:
        """What it keeps now, oldest first."""
        retention, size, n = self.retention, 0, 0
        for one in reversed(self._kept):
            size += len(one.text)
            if n >= retention.messages or size > retention.size_bytes or self.now - one.at > retention.age_s:
                break
            n += 1
        del self._kept[: len(self._kept) - n]
        return self._kept

    def append(self, entries: Sequence[Entry]) -> tuple[list[Stored], list[Kept]]:
        """Give entries their places. Gives the outcomes, and what is new."""
        outcomes: list[Stored] = []
        new: list[Kept] = []
        for entry in entries:
            known = self._by_key.get(entry.key) if entry.key else None
            if known is not None and self.now - known[1].at <= DEDUPE_S:
                outcomes.append(Stored(known[0], known[1].seq, duplicate=True))
                continue
            self.top += 1
            self._n_marks += 1
            new.append(Kept(self.top, self._n_marks, entry.text, self.now))
            if entry.key:
                self._by_key[entry.key] = (self.epoch, new[-1])
            outcomes.append(Stored(self.epoch, self.top))
        self._kept += new
        if not self.keeps:
            self._kept = []
        return outcomes, new

    def rewind(self, epoch: str, n_lost: int) -> None:
        """Lose the newest events, and begin a new epoch with what is left, as a copy does that was behind."""
        left = self.kept[: max(0, len(self.kept) - n_lost)]
        gone = {one.mark for one in self._kept} - {one.mark for one in left}
        self._kept = [Kept(seq, one.mark, one.text, one.at) for seq, one in enumerate(left, 1)]
        places = {one.mark: one for one in self._kept}
        self._by_key = {
            key: (epoch, places[one.mark]) if one.mark in places else (known_epoch, one)
            for key, (known_epoch, one) in self._by_key.items()
            if one.mark not in gone
        }
        self.epoch, self.top = epoch, len(self._kept)

    def page(
        self, after: int | None, before: int | None, newest_first: bool, limit: int, size_bytes: int | None
    ) -> SharedPage:
        """See SharedLog.read."""
        kept = self.kept
        found = [
            (one.seq, one.text)
            for one in kept
            if (after is None or one.seq > after) and (before is None or one.seq < before)
        ]
        if newest_first:
            found.reverse()
        taken: list[tuple[int, bytes]] = []
        size = 0
        for event in found[:limit]:
            size += len(event[1])
            if size_bytes is not None and size > size_bytes and taken:
                break
            taken.append(event)
        first, last = (kept[0].seq, kept[-1].seq) if kept else (0, 0)
        return SharedPage(self.epoch, self.top, taken, len(taken) < len(found), first, last)

    def read(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        newest_first: bool = False,
        limit: int = 100,
        size_bytes: int | None = None,
    ) -> Page:
        """See Log.read."""
        page = self.page(after, before, newest_first, limit, size_bytes)
        return Page(page.events, page.more, page.first, page.last)

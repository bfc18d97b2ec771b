"""Tally: what one reader of one channel got, judged by the seq of the channel: lost, twice, out of order. Pure."""

from __future__ import annotations

__all__ = ["Tally"]


class Tally:
    """Counts one reader.

    Args:
        after: seq of the last event before the run
    """

    __slots__ = ("_missing", "_next", "duplicates", "received", "reordered")

    def __init__(self, after: int) -> None:
        self._next = after + 1
        self._missing: set[int] = set()
        self.received = 0  # events, each counted once
        self.duplicates = 0
        self.reordered = 0  # that came after a later one

    def take(self, seq: int) -> None:
        """Count an event that came."""
        if seq >= self._next:
            self._missing.update(range(self._next, seq))
            self._next = seq + 1
            self.received += 1
        elif seq in self._missing:
            self._missing.discard(seq)
            self.reordered += 1
            self.received += 1
        else:
            self.duplicates += 1

    def has_all(self, until: int) -> bool:
        """Whether every event came, up to this seq."""
        return self._next > until and not self._missing

    def lost(self, until: int) -> int:
        """Count the events that did not come, up to this seq."""
        return sum(seq <= until for seq in self._missing) + max(0, until - self._next + 1)

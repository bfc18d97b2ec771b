"""Rota: whose turn it is. Whoever has least goes first; among equals, whose last turn is longest ago. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

__all__ = ["Rota"]

K = TypeVar("K", bound=Hashable)

STALE = 64  # entries of the heap that count no more and may stay beside those that do, however few these are


class Rota(Generic[K]):
    """A queue of those who may be given something, by how much they have. O(log n) each."""

    __slots__ = ("_heap", "_n_puts", "_valid")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, K]] = []  # (what it has, its last turn, number of its put, who)
        self._valid: dict[K, int] = {}  # who -> number of its last put; entries of earlier ones count no more
        self._n_puts = 0

    def put(self, who: K, has: int, last_turn: int) -> None:
        """Let ``who`` wait for its turn. Replaces what was said of it before.

        Args:
            who: waits.
            has: what it has now.
            last_turn: when it had a turn last, as any number that grows.
        """
        self._n_puts += 1
        self._valid[who] = self._n_puts
        if len(self._heap) > 2 * len(self._valid) + STALE:
            self._heap = [entry for entry in self._heap if self._valid.get(entry[3]) == entry[2]]
            heapify(self._heap)
        heappush(self._heap, (has, last_turn, self._n_puts, who))

    def take_out(self, who: K) -> None:
        """Let ``who`` wait no more. Without effect when it does not."""
        self._valid.pop(who, None)

    def next(self) -> K | None:
        """Take out whose turn it is, and give it; None: nobody waits."""
        while self._heap:
            _, _, n_put, who = heappop(self._heap)
            if self._valid.get(who) == n_put:
                del self._valid[who]
                return who
        return None

    def __len__(self) -> int:
        return len(self._valid)

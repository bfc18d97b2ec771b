"""Recent: which ids were published lately, so that one that comes again is not an event again. Pure.

Bounded by time and by count, whichever is reached first; what was forgotten counts as new. Keys are (sender, id): ids
are unique for a sender only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

__all__ = ["Recent"]


class Recent:
    """The newest keys of one channel with the seq that each got. Owned by the channel's log.

    Args:
        window_s: how long a key is known, >= 0; 0: never.
        most: how many keys are known, >= 0; 0: none.
    """

    __slots__ = ("_most", "_seqs", "_window_s")

    def __init__(self, window_s: float, most: int) -> None:
        self._window_s = window_s
        self._most = most if window_s > 0 else 0
        # key -> (seq, when), oldest first. A plain dict would do but for taking from the front, which is O(n) there.
        self._seqs: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        """Count the keys held, forgotten ones that were not cleared away yet among them."""
        return len(self._seqs)

    def seq_of(self, key: Hashable, now: float) -> int | None:
        """Give the seq under which ``key`` was published within the window; None: it is new. O(1)."""
        found = self._seqs.get(key)
        return found[0] if found is not None and now - found[1] <= self._window_s else None

    def add(self, key: Hashable, seq: int, now: float) -> None:
        """Remember ``key``. Amortized O(1)."""
        if not self._most:
            return
        seqs = self._seqs
        seqs.pop(key, None)  # else it would keep its old place in the order
        seqs[key] = (seq, now)
        while len(seqs) > self._most:
            seqs.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Take ``key`` back: what it stood for was not stored after all."""
        self._seqs.pop(key, None)

    def sweep(self, now: float) -> None:
        """Drop what is past the window. O(dropped)."""
        seqs = self._seqs
        while seqs:
            key = next(iter(seqs))
            if now - seqs[key][1] <= self._window_s:
                return
            del seqs[key]

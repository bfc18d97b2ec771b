"""Restarts: when a worker that ended is started again, and when that is given up. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["LONG_S", "MOST_IN_A_ROW", "Restarts"]

LONG_S: Final = 10.0
"""Seconds that a worker must have lived for its end not to count as one of a crash loop."""

MOST_IN_A_ROW: Final = 5
"""Short lives in a row, the last of which is the end of trying: about two seconds of a fault at the start."""

LEAST_PAUSE_S: Final = 0.1
MOST_PAUSE_S: Final = 5.0


class Restarts:
    """The ends of one worker, over all its lives."""

    __slots__ = ("_n_short",)

    def __init__(self) -> None:
        self._n_short = 0

    def ended(self, lived_s: float) -> float | None:
        """Take note of an end.

        Args:
            lived_s: how long it lived.

        Returns:
            Seconds to wait before the next life; None: a crash loop, try no more.
        """
        if lived_s >= LONG_S:
            self._n_short = 0
            return 0.0
        self._n_short += 1
        if self._n_short >= MOST_IN_A_ROW:
            return None
        return min(MOST_PAUSE_S, LEAST_PAUSE_S * 2.0 ** (self._n_short - 1))

    @staticmethod
    def could_not_start() -> float:
        """Give the seconds to wait after a worker said that it can't start, while others serve: it is no crash."""
        return MOST_PAUSE_S

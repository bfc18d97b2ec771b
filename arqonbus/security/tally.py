"""Tally: how often something happened in the current window. Pure."""

__all__ = ["Tally"]


class Tally:
    """Counts in windows that begin with the first event after the last one ended. Three numbers, no history.

    Args:
        most: how many a window may hold, >= 0.
        window_s: seconds, > 0.
    """

    __slots__ = ("_most", "_n", "_since", "_window_s")

    def __init__(self, most: int, window_s: float) -> None:
        self._most = most
        self._window_s = window_s
        self._n = 0
        self._since = float("-inf")

    def add(self, now: float) -> bool:
        """Count one. Returns whether the window holds more than it may."""
        if now - self._since >= self._window_s:
            self._since, self._n = now, 0
        self._n += 1
        return self._n > self._most

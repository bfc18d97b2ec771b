"""The wall clock as the wire shows it."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["WallClock"]

_MS_NS = 1_000_000


class WallClock:
    """Tells the time as RFC 3339 text, UTC, in milliseconds. Makes a text once for each millisecond, and the date in
    it once a second: asked for every turn of every channel, it costs about 0.15 us.

    Args:
        time_ns: nanoseconds since 1970.
    """

    __slots__ = ("_from_ns", "_second", "_second_text", "_text", "_time_ns", "_until_ns")

    def __init__(self, time_ns: Callable[[], int] = time.time_ns) -> None:
        """Start without a text."""
        self._time_ns = time_ns
        self._from_ns = self._until_ns = 0  # when the text is right
        self._second = -1
        self._second_text = ""
        self._text = ""

    def timestamp(self) -> str:
        """Give the time now, as 2026-11-21T19:00:00.123Z."""
        now_ns = self._time_ns()
        if self._from_ns <= now_ns < self._until_ns:
            return self._text
        second, rest = divmod(now_ns // _MS_NS, 1000)
        self._from_ns = now_ns - now_ns % _MS_NS
        self._until_ns = self._from_ns + _MS_NS
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        self._text = f"{self._second_text}.{rest:03d}Z"
        return self._text

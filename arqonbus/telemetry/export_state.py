"""State of one export: whether whoever takes our telemetry is there. One log line for each change, never for each try.

Written by the thread that exports, read by the loop's. After a few failures in a row nothing new is recorded for a
while: spans that nobody takes cost as much as others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from arqonbus.telemetry.logs import EventLog

__all__ = ["BREAK_AFTER", "BREAK_S", "ExportState", "LastWords"]

BREAK_AFTER: Final = 3
"""Failures in a row after which recording pauses."""

BREAK_S: Final = 30.0
"""Seconds of a pause."""


class LastWords(logging.Handler):
    """Keeps the last thing that the SDK said, in place of logging it: it says the same for every batch."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        super().__init__(logging.WARNING)
        self.words = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the words."""
        try:
            self.words = record.getMessage()
        except Exception:  # noqa: BLE001 - any object's __str__ may run here
            self.words = str(record.msg)


class ExportState:
    """Counts one signal's exports, and says when it begins to fail and when it is well again."""

    __slots__ = (
        "_clock",
        "_failed_since",
        "_in_a_row",
        "_log",
        "_lost",
        "_pause",
        "_signal",
        "_words",
        "n_exported",
        "n_failed",
    )

    def __init__(
        self,
        signal: str,
        log: EventLog,
        clock: Callable[[], float],
        words: LastWords,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        """Begin well.

        Args:
            signal: traces or metrics.
            log: takes a line for each change.
            clock: monotonic seconds.
            words: what the SDK said last.
            pause: is told until when recording is in vain.
        """
        self._signal = signal
        self._log = log
        self._clock = clock
        self._words = words
        self._pause = pause
        self._in_a_row = 0  # failures
        self._lost = 0  # items, since it began to fail
        self._failed_since = 0.0
        self.n_exported = 0  # items since the start
        self.n_failed = 0

    @property
    def failing_since(self) -> float | None:
        """Monotonic seconds; None: it is well, or nothing was exported yet."""
        return self._failed_since if self._in_a_row else None

    def succeeded(self, n_items: int) -> None:
        """Note that a batch was taken."""
        self.n_exported += n_items
        if self._in_a_row:
            took_s = round(self._clock() - self._failed_since, 1)
            self._log.info("telemetry_export_recovered", signal=self._signal, after_s=took_s, lost=self._lost)
        self._in_a_row = self._lost = 0

    def failed(self, n_items: int) -> None:
        """Note that a batch was lost."""
        self.n_failed += n_items
        self._lost += n_items
        self._in_a_row += 1
        if self._in_a_row == 1:
            self._failed_since = self._clock()
            self._log.warning("telemetry_export_failing", signal=self._signal, error=self._words.words or "no answer")
        if self._in_a_row >= BREAK_AFTER and self._pause is not None:
            self._pause(self._clock() + BREAK_S)

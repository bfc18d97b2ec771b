"""Recorder: spans on their way from the loop to whoever exports them. 0.1 us in the loop's thread: one append.

A thread of its own wakes up now and then, or once a batch waits, makes the spans, and exports them. It knows no SDK.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from arqonbus.telemetry.tracer import NewId, Over, Span

__all__ = ["Export", "Recorder"]


class Export(Protocol):
    """Where spans go. Called by one thread, and may block it."""

    def export(self, spans: Sequence[Span]) -> bool:
        """Export one batch; returns whether it was taken."""

    def shutdown(self) -> None:
        """End it."""


class Recorder:
    """Takes hops in the loop's thread, exports them in its own; see ``tracer.Record``."""

    __slots__ = (
        "_batch",
        "_delay_s",
        "_export",
        "_failed",
        "_full",
        "_is_closing",
        "_most",
        "_new_id",
        "_queue",
        "_thread",
        "_wake",
        "n_dropped",
    )

    def __init__(
        self,
        export: Export,
        new_id: NewId,
        failed: Callable[[Exception], object],
        *,
        most: int,
        batch: int,
        delay_s: float,
    ) -> None:
        """Start the thread.

        Args:
            export: takes the spans.
            new_id: for spans that nothing refers to.
            failed: is told what an export raised, which is a bug; it is called in the thread.
            most: hops that may wait; more are dropped.
            batch: spans of one export at most.
            delay_s: seconds that a hop waits at most before it is exported, unless an export takes longer.
        """
        self._export = export
        self._new_id = new_id
        self._failed = failed
        self._most = most
        self._batch = batch
        self._full = batch - 1  # hops that wait when one more makes a batch
        self._delay_s = delay_s
        self._queue: deque[Over] = deque()
        self._wake = threading.Event()
        self._is_closing = False
        self.n_dropped = 0  # hops since the start
        self._thread = threading.Thread(target=self._work, name="arqonbus-spans", daemon=True)
        self._thread.start()

    def record(self, over: Over) -> None:
        """Record one hop, as ``tracer.Record`` says."""
        queue = self._queue
        n_waiting = len(queue)
        if n_waiting >= self._most:
            self.n_dropped += 1
            return
        queue.append(over)
        if n_waiting == self._full:  # once, however long the export takes: it looks again when it is done
            self._wake.set()

    def close(self) -> None:
        """Export what waits and end. Blocks for as long as the exports take."""
        self._is_closing = True
        self._most = 0  # none is taken any more
        self._wake.set()
        self._thread.join()
        self._export.shutdown()

    def _work(self) -> None:
        queue, wake = self._queue, self._wake
        is_last = False
        while not is_last:
            wake.wait(self._delay_s)
            wake.clear()
            is_last = self._is_closing
            while queue:
                self._export_one([queue.popleft() for _ in range(min(len(queue), self._batch))])

    def _export_one(self, hops: Sequence[Over]) -> None:
        try:
            self._export.export([over.span(self._new_id) for over in hops])
        except Exception as error:  # noqa: BLE001 - whatever it is, the next batch has its try
            self._failed(error)

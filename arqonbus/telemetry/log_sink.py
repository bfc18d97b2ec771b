"""Where log lines go: a bounded queue, a writer thread, a stream. No caller ever waits for the stream.

A pipe that nobody drains blocks its writer for good; here that is a daemon thread of its own, and the lines that find
the queue full are dropped and counted. The count is written as a line of its own when there is room again.
"""

import io
import logging
import os
import select
import threading
import time
from collections.abc import Callable
from typing import TextIO

from msgspec import Struct

from arqonbus.telemetry.log_lines import HELD_BACK

__all__ = ["LineQueue", "RateFilter", "SinkHandler", "Statistics", "writer_of"]

QUEUE_BYTES = 4 * 1024 * 1024
"""Bytes that may wait for the stream: about 20,000 lines."""

LINES_PER_SECOND = 10
"""Lines a second of one kind that other libraries may log: a flood of pings made asyncio log 200,000 in one burst."""

MOST_KINDS = 256
"""Kinds that the rate filter tells apart; the rest share one count, so that its memory is bounded."""

LONGEST_KIND = 200
"""Characters of a message template that make its kind."""


class Statistics(Struct, frozen=True):
    """Counts since the start."""

    written: int
    """Lines given to the stream."""
    dropped: int
    """Lines lost because the queue was full."""
    suppressed: int
    """Lines of other libraries over their rate."""
    failed: int
    """Lines lost because the stream failed or a record could not be formatted."""


class LineQueue:
    """Bounded lines on their way to a stream, written in batches by a daemon thread that starts with the first line.

    ``put`` may be called from any thread and never waits for the stream. Owned by one ``SinkHandler``.
    """

    def __init__(
        self, write: Callable[[bytes], None], dropped_line: Callable[[int], str], max_bytes: int = QUEUE_BYTES
    ) -> None:
        """Args: ``write`` may block, and raise OSError or ValueError; ``dropped_line`` words a count of lost lines."""
        self._write = write
        self._dropped_line = dropped_line
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._lines: list[bytes] = []  # waiting, oldest first
        self._n_bytes = 0  # waiting and being written
        self._n_writing = 0  # lines that the thread has in hand
        self._n_dropped = 0  # lost to a full queue since the start
        self._n_told = 0  # of those, how many were told in a line
        self._n_written = 0
        self._n_failed = 0
        self._closing = False
        self._thread: threading.Thread | None = None

    def put(self, line: str) -> bool:
        """Queue one line. False: it was dropped, because the queue is full or closed."""
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        with self._changed:
            if self._closing or self._n_bytes + len(data) > self._max_bytes:
                self._n_dropped += 1
                return False
            self._lines.append(data)
            self._n_bytes += len(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="arqonbus-log", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return True

    def flush(self, timeout_s: float) -> bool:
        """Wait until all is written. False: the deadline passed first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines and not self._n_writing, timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Take no more lines, write what is queued within the deadline. False: some were left. Idempotent."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        flushed = self.flush(timeout_s)
        if flushed and self._thread is not None:
            self._thread.join(timeout_s)
        return flushed

    def statistics(self) -> Statistics:
        """Return the counts; ``suppressed`` is the rate filter's and 0 here."""
        with self._changed:
            return Statistics(self._n_written, self._n_dropped, 0, self._n_failed)

    def _run(self) -> None:
        while batch := self._take():
            n_lines = len(batch)
            try:
                self._write(b"".join(batch))
            except (OSError, ValueError):
                # The reader is gone or the stream is closed. There is nobody to tell; keep serving, keep count.
                self._done(n_failed=n_lines)
            else:
                self._done(n_written=n_lines)

    def _take(self) -> list[bytes]:
        """Wait for lines and take them all; an empty list means closed and done."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._n_dropped > self._n_told or self._closing)
            batch, self._lines = self._lines, []
            lost = self._n_dropped - self._n_told
            if lost:
                self._n_told = self._n_dropped
                batch.append(self._dropped_line(lost).encode() + b"\n")
            self._n_writing = len(batch)
            return batch

    def _done(self, n_written: int = 0, n_failed: int = 0) -> None:
        with self._changed:
            self._n_written += n_written
            self._n_failed += n_failed
            self._n_writing = 0
            self._n_bytes = sum(map(len, self._lines))
            self._changed.notify_all()


class SinkHandler(logging.Handler):
    """Formats a record in the caller's thread and queues the line. Never raises, never waits."""

    def __init__(self, queue: LineQueue, format_line: Callable[[logging.LogRecord], str]) -> None:
        """Args: ``format_line`` returns one line without its end."""
        super().__init__()
        self._queue = queue
        self._format_line = format_line
        self.n_unformatted = 0  # records that could not be formatted

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record as one line."""
        try:
            self._queue.put(self._format_line(record))
        except Exception:  # noqa: BLE001 - logging must never break what it watches; counted instead
            self.n_unformatted += 1


class _Count(Struct):
    """Lines of one kind."""

    second: int
    """The second that ``n_passed`` is about."""
    n_passed: int = 0
    """Lines let through in it."""
    n_held_back: int = 0
    """Lines held back since the last one that passed."""


_Kind = tuple[str, int, str]


class RateFilter:
    """Lets ``per_second`` lines of one kind through in a second. A kind is logger, level and message template.

    Our own loggers (``arqonbus``) pass untouched. How many were held back is told in the next line of that kind that
    passes, as its field ``held_back``, and over all in ``n_suppressed``.
    """

    def __init__(self, per_second: int = LINES_PER_SECOND, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: ``clock`` returns seconds."""
        self._per_second = per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._kinds: dict[_Kind, _Count] = {}
        self.n_suppressed = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the record passes. Called by a handler, from any thread."""
        if record.name == "arqonbus" or record.name.startswith("arqonbus."):
            return True
        kind = (record.name, record.levelno, str(record.msg)[:LONGEST_KIND])
        second = int(self._clock())
        with self._lock:
            return self._count(kind, second, record)

    def _count(self, kind: _Kind, second: int, record: logging.LogRecord) -> bool:
        if kind not in self._kinds and len(self._kinds) >= MOST_KINDS:
            kind = ("", 0, "")
        count = self._kinds.setdefault(kind, _Count(second))
        if second != count.second:
            count.second, count.n_passed = second, 0
        if count.n_passed >= self._per_second:
            count.n_held_back += 1
            self.n_suppressed += 1
            return False
        count.n_passed += 1
        if count.n_held_back:
            record.__dict__[HELD_BACK] = count.n_held_back
            count.n_held_back = 0
        return True


def writer_of(stream: TextIO) -> Callable[[bytes], None]:
    """Return what writes bytes to the stream.

    A stream with a file descriptor is written directly: a thread that blocks inside the stream's own buffer would
    hold its lock, and the interpreter aborts when it meets that lock at exit.
    """
    try:
        fd = stream.fileno()
    except (OSError, ValueError, AttributeError, io.UnsupportedOperation):
        return lambda data: _write_text(stream, data)
    return lambda data: _write_fd(fd, data)


def _write_text(stream: TextIO, data: bytes) -> None:
    stream.write(data.decode())
    stream.flush()


def _write_fd(fd: int, data: bytes) -> None:
    """Write all of it, waiting as long as it takes; a descriptor that somebody set to non-blocking included."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:
            select.select((), (fd,), ())

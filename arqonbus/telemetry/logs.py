"""Logging: one event a line, through the standard library's loggers and a queue that never blocks.

``get_log`` is what the rest of the server uses; ``configure`` is called once, by the server, and says where the lines
go. Without it, events go wherever the embedding program sends the ``arqonbus`` loggers.
"""

import logging
import os
from collections.abc import Callable
from typing import Literal, TextIO

import msgspec

from arqonbus.telemetry.log_lines import EventRecord, LogLine, format_json, format_text
from arqonbus.telemetry.log_sink import LineQueue, RateFilter, SinkHandler, Statistics, writer_of

__all__ = ["EventLog", "Format", "Level", "LogHandle", "LogLine", "Statistics", "configure", "get_log"]

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "text", "json"]

CLOSE_TIMEOUT_S = 1.0
"""Seconds that ``close`` waits for the stream: long enough for a terminal or a file, short beside a shutdown."""


class EventLog:
    """Logs events of one package. Cheap to make, holds nothing but its logger; may be kept or made again.

    The keyword arguments ``client``, ``room``, ``channel``, ``command`` and ``error`` have their place in every line;
    others follow them. ``error`` may be an exception: its type, its words and where it came from are logged. ``trace``
    may be the trace of what is logged about: the line gets ``trace_id``, ``span_id`` and ``trace_flags``. Values may
    hold anything a client sent: they are bounded and escaped. Secrets must not be given.
    """

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger) -> None:
        """Args: ``logger`` decides the level."""
        self._logger = logger

    @property
    def is_debug(self) -> bool:
        """Whether debug events are logged; for paths that keep the answer."""
        return self._logger.isEnabledFor(logging.DEBUG)

    def debug(self, event: str, /, **fields: object) -> None:
        """Log a detail, such as a frame."""
        if self._logger.isEnabledFor(logging.DEBUG):
            self._log(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """Log a step of a life cycle."""
        if self._logger.isEnabledFor(logging.INFO):
            self._log(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """Log that something is degraded and somebody should look."""
        if self._logger.isEnabledFor(logging.WARNING):
            self._log(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        """Log a bug or a loss, once."""
        if self._logger.isEnabledFor(logging.ERROR):
            self._log(logging.ERROR, event, fields)

    def _log(self, level: int, event: str, fields: dict[str, object]) -> None:
        # Not logger.log(): it walks the stack to find the caller, which costs more than the rest of the line.
        self._logger.handle(EventRecord(self._logger.name, level, event, fields))


def get_log(package: str) -> EventLog:
    """Return the log of a package: ``routing`` and ``arqonbus.routing`` are the same."""
    is_ours = package == "arqonbus" or package.startswith("arqonbus.")
    return EventLog(logging.getLogger(package if is_ours else f"arqonbus.{package}"))


class LogHandle:
    """What ``configure`` set up; closing it flushes the lines and puts the loggers back as they were."""

    def __init__(self, queue: LineQueue, handler: SinkHandler, rate: RateFilter, level: int) -> None:
        """Install the handler on the root logger and set the levels."""
        self._queue = queue
        self._handler = handler
        self._rate = rate
        self._closed = False
        # websockets logs every frame, payload included, at debug: never below info, whatever our own level is.
        levels = {"arqonbus": level, "websockets": max(level, logging.INFO), "asyncio": max(level, logging.INFO)}
        self._before = {name: logging.getLogger(name).level for name in levels}
        logging.getLogger().addHandler(handler)
        for name, value in levels.items():
            logging.getLogger(name).setLevel(value)

    def statistics(self) -> Statistics:
        """Return how many lines were written, dropped, suppressed and failed."""
        counts = self._queue.statistics()
        n_failed = counts.failed + self._handler.n_unformatted
        return msgspec.structs.replace(counts, suppressed=self._rate.n_suppressed, failed=n_failed)

    def set_level(self, level: Level) -> None:
        """Log events of ``level`` and above from now on. The other libraries' levels stay."""
        logging.getLogger("arqonbus").setLevel(logging.getLevelNamesMapping()[level.upper()])

    def flush(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """Wait until all lines are written. False: the deadline passed first."""
        return self._queue.flush(timeout_s)

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """Flush within the deadline and stop. False: lines were left, the stream does not take them. Idempotent."""
        if not self._closed:
            self._closed = True
            logging.getLogger().removeHandler(self._handler)
            for name, level in self._before.items():
                logging.getLogger(name).setLevel(level)
        return self._queue.close(timeout_s)


def configure(level: Level, format: Format, stream: TextIO) -> LogHandle:
    """Send the events of ``level`` and above, and what other libraries log, to the stream.

    Args:
        level: least level of our own events.
        format: ``auto`` is text on a terminal and JSON lines otherwise. Colours only on a terminal, without NO_COLOR.
        stream: where lines go; it may block or fail without any effect on the caller.
    """
    is_terminal = stream.isatty()
    as_text = format == "text" or (format == "auto" and is_terminal)
    format_line = _formatter(as_text, colour=is_terminal and not os.environ.get("NO_COLOR"))
    queue = LineQueue(writer_of(stream), lambda n_lines: format_line(_dropped_record(n_lines)))
    handler = SinkHandler(queue, format_line)
    rate = RateFilter()
    handler.addFilter(rate)
    return LogHandle(queue, handler, rate, logging.getLevelNamesMapping()[level.upper()])


def _formatter(as_text: bool, colour: bool) -> Callable[[logging.LogRecord], str]:
    if not as_text:
        return format_json
    return lambda record: format_text(record, colour)


def _dropped_record(n_lines: int) -> logging.LogRecord:
    """Return the record that tells how many lines were lost because the stream did not take them."""
    return EventRecord("arqonbus.telemetry", logging.WARNING, "log_lines_dropped", {"lines": n_lines})

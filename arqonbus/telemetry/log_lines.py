"""One log record as one line: JSON for machines, text for people.

What lives here: pure functions from a record to a string. No queue, no stream (see ``log_sink``). Whatever a field
holds, the line stays one line, on a terminal and for every reader that splits at Unicode line ends.
"""

import json
import logging
import math
import time
from collections.abc import Mapping
from types import TracebackType

from msgspec import Struct

__all__ = ["CONTEXT", "HELD_BACK", "EventRecord", "LogLine", "format_json", "format_text"]

CONTEXT = ("client", "room", "channel", "command", "error")
"""Keys that every JSON line holds, null when not applicable."""

LONGEST_TEXT = 1024
"""Characters of one field that are kept; the rest is elided, so that one client cannot fill the queue."""

MOST_ITEMS = 16
"""Items of a list, table or traceback that are kept."""

TRACE = "trace"
"""Field that holds the trace of what is logged about: anything with ``trace_id`` and ``span_id``, or None."""

HELD_BACK = "arqonbus_held_back"
"""Attribute of a record of another library: how many of its kind were held back before it."""

_COLOURS = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}
_PLAIN = "\x1b[0m"

# In ASCII, so that U+2028 and its like, at which some readers split lines, are escaped.
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


class LogLine(Struct, frozen=True, kw_only=True):
    """What every JSON line holds; further keys depend on the event."""

    ts: str
    """When, RFC 3339 in UTC with milliseconds."""
    level: str
    """``debug``, ``info``, ``warning``, ``error`` or ``critical``."""
    event: str
    """What happened: a fixed name, or ``message`` for a line of another library (then ``message`` holds its text)."""
    client: str | None
    """Client id, or null when not applicable, as for the four below."""
    room: str | None
    """Room name."""
    channel: str | None
    """Channel name."""
    command: str | None
    """Command name."""
    error: str | None
    """What went wrong: a wire code, or the type and the words of an exception."""


class EventRecord(logging.LogRecord):
    """The record of one of our own events; ``msg`` is the name of the event."""

    def __init__(self, logger: str, level: int, event: str, fields: Mapping[str, object]) -> None:
        """Args: ``fields`` are kept as they are and read when the record is formatted."""
        super().__init__(logger, level, "", 0, event, None, None)
        self.fields = fields

    def getMessage(self) -> str:
        """Return the event and its fields, for handlers that are not ours."""
        return " ".join([_one_line(_text(self.msg)), *_pairs(_fields_of(self))])


def format_json(record: logging.LogRecord) -> str:
    """Return the record as one JSON object in ASCII, without a line end. Decodes as ``LogLine``."""
    fields = _fields_of(record)
    line: dict[str, object] = {"ts": _timestamp(record.created), "level": record.levelname.lower()}
    line["event"] = _text(record.msg) if isinstance(record, EventRecord) else "message"
    for key in CONTEXT:
        value = fields.get(key)
        line[key] = None if value is None else _text(value)
    line["logger"] = record.name
    for key, value in fields.items():
        if key not in CONTEXT:
            # A field may not replace a fixed key: it would let a caller forge the time or the level.
            line[f"field_{key}" if key in line else key] = _plain(value)
    return _encode(line)


def format_text(record: logging.LogRecord, colour: bool = False) -> str:
    """Return the record as ``time level event key=value ...``, ids first, without a line end."""
    fields = _fields_of(record)
    level = record.levelname.lower()
    head = f"{level:<7}"
    if colour:
        head = f"{_COLOURS.get(level, '')}{head}{_PLAIN}"
    event = _one_line(_text(record.msg)) if isinstance(record, EventRecord) else record.name
    return " ".join([_timestamp(record.created)[11:23], head, event, *_pairs(fields)])


def _pairs(fields: Mapping[str, object]) -> list[str]:
    """Return ``key=value`` for each field, ids first, those without a value left out."""
    ordered = [(key, fields[key]) for key in CONTEXT if fields.get(key) is not None]
    ordered += [(key, value) for key, value in fields.items() if key not in CONTEXT]
    return [f"{_one_line(key)}={_quoted(value)}" for key, value in ordered]


def _fields_of(record: logging.LogRecord) -> dict[str, object]:
    """Return the fields of our own event, or the message and exception of another library's record."""
    if isinstance(record, EventRecord):
        fields = dict(record.fields)
        error = fields.get("error")
        if TRACE in fields:
            fields |= _trace(fields.pop(TRACE))
    else:
        fields = {"message": _message(record)}
        if HELD_BACK in record.__dict__:
            fields["held_back"] = record.__dict__[HELD_BACK]
        error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, BaseException):
        fields["error"] = _words(error)
        if error.__traceback__ is not None and record.levelno >= logging.WARNING:
            fields["at"] = _frames(error.__traceback__)
    return fields


def _trace(trace: object) -> dict[str, object]:
    """Return the ids as W3C Trace Context writes them in logs, by its names; nothing without a trace.

    A trace that is there is one that is sampled.
    """
    trace_id, span_id = getattr(trace, "trace_id", 0), getattr(trace, "span_id", 0)
    if not trace_id:
        return {}
    return {"trace_id": f"{trace_id:032x}", "span_id": f"{span_id:016x}", "trace_flags": "01"}


def _message(record: logging.LogRecord) -> str:
    """Return the message of a record; a library's wrong arguments must not break logging."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - any object's __str__ may run here
        return str(record.msg)


def _words(error: BaseException) -> str:
    """Return type and words of an exception and of what caused it."""
    words = type(error).__name__
    text = _text(error)
    if text:
        words += f": {text}"
    cause = error.__cause__
    return f"{words} (from {type(cause).__name__}: {_text(cause)})" if cause is not None else words


def _frames(traceback: TracebackType) -> str:
    """Return where an exception came from on one line: ``file:line function``, innermost first."""
    frames: list[str] = []
    step: TracebackType | None = traceback
    while step is not None:
        code = step.tb_frame.f_code
        file = "/".join(code.co_filename.replace("\\", "/").rsplit("/", 2)[-2:])
        frames.append(f"{file}:{step.tb_lineno} {code.co_name}")
        step = step.tb_next
    return " < ".join(frames[: -MOST_ITEMS - 1 : -1])


def _plain(value: object, depth: int = 2) -> object:
    """Return the value as something that json can write, bounded in size."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, int):
        return value if value.bit_length() <= 64 else f"integer of {value.bit_length()} bits"
    if isinstance(value, (list, tuple, set, frozenset)) and depth:
        return [_plain(item, depth - 1) for _, item in zip(range(MOST_ITEMS), value, strict=False)]
    if isinstance(value, Mapping) and depth:
        items = zip(range(MOST_ITEMS), value.items(), strict=False)
        return {_text(key): _plain(item, depth - 1) for _, (key, item) in items}
    return _text(value)


def _text(value: object) -> str:
    """Return the value as text of bounded length; an object that cannot be shown is named by its type."""
    try:
        text = value if isinstance(value, str) else str(value)
    except Exception:  # noqa: BLE001 - any object's __str__ may run here, and logging must never raise
        text = f"<{type(value).__name__}>"
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."


def _quoted(value: object) -> str:
    """Return a value for a text line, in quotes when it would not read as one word."""
    plain = _plain(value)
    if not isinstance(plain, str):
        return _one_line(json.dumps(plain, ensure_ascii=False))
    if plain and plain.isprintable() and not any(sign in plain for sign in ' "=\\'):
        return plain
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_one_line(escaped)}"'


def _one_line(text: str) -> str:
    """Escape whatever is not printable: line ends of every kind, terminal controls, text direction marks."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _timestamp(created: float) -> str:
    """Return RFC 3339 in UTC with milliseconds, cut and not rounded, so that it never runs ahead."""
    seconds, part = divmod(created, 1)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(part * 1000):03d}Z"

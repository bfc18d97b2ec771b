"""View: one record as lines that fit a terminal. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from arqonbus.cli.kit.measures import TopChannel, TopRecord
from arqonbus.cli.kit.output import duration
from arqonbus.cli.top.rates import Sort, sorted_channels

__all__ = ["Paint", "plain", "size", "view"]

Paint = Callable[[str, str], str]
"""(text, colour) -> the text as it is to be shown."""

GAP: Final = "   "

LEAST_NAME: Final = 12
"""Columns that an address gets at least, before other columns go."""

COLUMNS: Final[tuple[tuple[str, int, Callable[[TopChannel], str]], ...]] = (
    ("EVENTS/S", 10, lambda row: f"{row.per_s:,.1f}"),
    ("MEMBERS", 9, lambda row: f"{row.members:,}"),
    ("SEQ", 12, lambda row: f"{row.seq:,}"),
    ("WAITING", 9, lambda row: f"{row.waiting:,}"),
    ("KIND", 12, lambda row: row.kind),
)
"""Title, width, value; a narrow terminal leaves the last ones out."""


def plain(text: str, colour: str) -> str:
    """Paint nothing."""
    return text


def view(
    record: TopRecord, sort: Sort, columns: int, rows: int | None, *, paint: Paint = plain, note: str = ""
) -> list[str]:
    """Lay a record out.

    Args:
        record: what to show
        sort: order of the channels
        columns: no line is wider
        rows: lines there are; None: as many as it takes
        paint: colours
        note: at the end of the first line: what happens to the connection, or which keys there are
    """
    head = [_title(record, note), *_facts(record, columns)]
    cells, widths = _fitting(columns)
    titles = "".join(title.rjust(width) for title, width, _ in cells)
    lines = [_cut(line, columns) for line in head]
    lines[0] = paint(lines[0], "bold")
    if record.draining or record.state != "ok":
        lines[1] = paint(lines[1], "yellow")
    lines += ["", paint(_cut(f"{'CHANNEL':<{widths}}{titles}", columns), "dim")]
    channels = sorted_channels(record, sort)
    most = len(channels) if rows is None else max(0, rows - len(lines))
    for row in channels[:most]:
        name = _cut(row.address, widths - 1)
        values = "".join(value(row).rjust(width) for _, width, value in cells)
        lines.append(_cut(f"{name:<{widths}}{values}", columns))
    return lines[:rows] if rows is not None else lines


def _title(record: TopRecord, note: str) -> str:
    state = "draining" if record.draining else f"{record.backend} {record.state}"
    end = f"   {note}" if note else ""
    return f"arqonbus {record.version}  {record.server}  up {duration(record.uptime_s)}  store {state}{end}"


def _facts(record: TopRecord, columns: int) -> list[str]:
    counts = [f"{name} {getattr(record, name):,}" for name in ("connections", "rooms", "channels")]
    if record.members is not None:
        counts.append(f"members {record.members:,}")
    rates = [
        f"in {record.messages_in_per_s:,.1f}/s",
        f"out {record.messages_out_per_s:,.1f}/s",
        f"errors {record.errors_per_s:,.1f}/s",
    ]
    if record.bytes_in_per_s is not None and record.bytes_out_per_s is not None:
        rates.append(f"bytes in {size(record.bytes_in_per_s)}/s out {size(record.bytes_out_per_s)}/s")
    return [line for parts in (counts, rates, _inside(record)) for line in _wrapped(parts, columns)]


def _inside(record: TopRecord) -> list[str]:
    if record.source == "status":
        return ["queues, slow consumers, loop lag: the server does not tell (telemetry.metrics is off)"]
    known = [f"slow consumers {record.slow_consumers or 0:,}"]
    if record.clients_behind is not None:
        known.append(f"behind {record.clients_behind:,} ({size(record.bytes_behind or 0)})")
    if record.queues is not None:
        known.append("mailboxes " + " ".join(f"{name} {depth:,}" for name, depth in record.queues.items()))
    if record.loop_lag_ms is not None:
        known.append(f"loop lag {record.loop_lag_ms:.1f} ms")
    if record.cpu is not None:
        known.append(f"cpu {record.cpu:.0%}")
    if record.memory_bytes is not None:
        known.append(f"memory {size(record.memory_bytes)}")
    return known


def _wrapped(parts: list[str], columns: int) -> list[str]:
    """Put the parts into as many lines as it takes."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(GAP) + len(part) <= columns:
            lines[-1] += GAP + part
        else:
            lines.append(part)
    return lines


def size(number: float) -> str:
    """Write a number of bytes: `0 B` to `999 TB`, by thousands."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:,.1f} TB"


def _fitting(columns: int) -> tuple[list[tuple[str, int, Callable[[TopChannel], str]]], int]:
    """Give the columns that fit, and how wide the address may be."""
    cells = list(COLUMNS)
    while cells and sum(width for _, width, _ in cells) + LEAST_NAME > columns:
        cells.pop()
    return cells, max(LEAST_NAME, columns - sum(width for _, width, _ in cells))


def _cut(text: str, columns: int) -> str:
    return text if len(text) <= columns else f"{text[: max(0, columns - 1)]}…"

"""The tables of telemetry in print: spans, attributes, metrics and activity events, for docs/TELEMETRY.md.

``python -m arqonbus.telemetry.reference docs/TELEMETRY.md`` writes them into the document, between their marks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from arqonbus.protocol.activities import ACTIVITIES
from arqonbus.telemetry.metrics import METRICS, prometheus_name
from arqonbus.telemetry.span_table import ATTRIBUTES, SPANS

__all__ = ["TABLES", "replace_tables"]

END: Final = "<!-- end -->"


def spans() -> str:
    """Write the spans."""
    lines = ["| span | kind | under | from, to | always has | sometimes has |", "|---|---|---|---|---|---|"]
    for row in SPANS:
        always, sometimes = (_codes(names) for names in (row.always, row.sometimes))
        lines.append(f"| `{row.name}` | {row.kind} | {row.parent} | {row.covers} | {always} | {sometimes} |")
    return "\n".join(lines)


def attributes() -> str:
    """Write what attributes mean."""
    lines = ["| attribute | meaning |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {meaning} |" for name, meaning in ATTRIBUTES.items())])


def metrics() -> str:
    """Write the metrics, with their names in Prometheus."""
    lines = ["| metric | in Prometheus | kind | unit | label | what |", "|---|---|---|---|---|---|"]
    for row in METRICS:
        label = f"`{row.label}`: {row.values}" if row.label else ""
        unit = f"`{row.unit}`" if row.unit else ""
        name = f"`{row.name}` | `{prometheus_name(row)}`"
        lines.append(f"| {name} | {row.kind} | {unit} | {label} | {row.description} |")
    return "\n".join(lines)


def activities() -> str:
    """Write the activity events."""
    lines = ["| event | payload | when |", "|---|---|---|"]
    for name, kind in ACTIVITIES.items():
        fields = _codes(tuple(field.encode_name for field in msgspec.structs.fields(kind)))
        lines.append(f"| `{name}` | {fields} | {(kind.__doc__ or '').strip().rstrip('.')} |")
    return "\n".join(lines)


TABLES: Final[dict[str, Callable[[], str]]] = {
    "spans": spans,
    "attributes": attributes,
    "metrics": metrics,
    "activities": activities,
}
"""The tables by the name in their marks."""


def replace_tables(document: str) -> str:
    """Return the document with every table made anew.

    Raises:
        ValueError: the marks of a table are missing
    """
    for name, make in TABLES.items():
        begin = f"<!-- begin {name}: made by python -m arqonbus.telemetry.reference -->"
        before, _, rest = document.partition(begin)
        _, found, after = rest.partition(END)
        if not found:
            raise ValueError(f"expected the marks {begin} and {END}")
        document = f"{before}{begin}\n\n{make()}\n\n{END}{after}"
    return document


def _codes(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(replace_tables(path.read_text("utf-8")), "utf-8")

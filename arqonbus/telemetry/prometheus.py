"""The metrics as text for Prometheus, for ``GET /metrics``: the numbers that OTLP exports, under the same names.

Pure. Source: Prometheus text format 0.0.4; OpenMetrics 1.0, which alone has exemplars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final

from arqonbus.telemetry.histogram import Exemplar
from arqonbus.telemetry.meters import Series
from arqonbus.telemetry.metrics import METRICS, Metric, Number, Reading, prometheus_name

__all__ = ["OPEN_METRICS", "PLAIN", "content_type", "render"]

PLAIN: Final = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_TYPES: Final = {"counter": "counter", "updown": "gauge", "gauge": "gauge", "histogram": "histogram"}


def content_type(accept: str) -> str:
    """Choose the format by the field Accept of the request; anything but OpenMetrics gets plain text."""
    return OPEN_METRICS if "application/openmetrics-text" in accept else PLAIN


def render(reading: Reading, series: Iterable[Series], form: str = PLAIN) -> str:
    """Write all metrics. 0.5 ms.

    Args:
        reading: the numbers.
        series: the histograms.
        form: ``PLAIN`` or ``OPEN_METRICS``.
    """
    is_open = form == OPEN_METRICS
    histograms: dict[str, list[Series]] = {}
    for one in series:
        histograms.setdefault(one.row.name, []).append(one)
    lines: list[str] = []
    for row in METRICS:
        if row.name in histograms:
            lines += _head(row, is_open)
            for one in histograms[row.name]:
                lines += _histogram(one, is_open)
        elif row.name in reading:
            lines += _head(row, is_open)
            lines += _numbers(row, reading[row.name])
    if is_open:
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def _head(row: Metric, is_open: bool) -> tuple[str, str]:
    name = prometheus_name(row)
    if is_open:  # there the family of a counter has no suffix
        name = name.removesuffix("_total")
    return f"# HELP {name} {row.description}", f"# TYPE {name} {_TYPES[row.kind]}"


def _numbers(row: Metric, value: Number | Mapping[str, Number]) -> Iterator[str]:
    name = prometheus_name(row)
    if isinstance(value, Mapping):
        for label, number in value.items():
            yield f"{name}{{{_label(row, label)}}} {number}"
    else:
        yield f"{name} {value}"


def _histogram(one: Series, is_open: bool) -> Iterator[str]:
    name, snapshot = prometheus_name(one.row), one.histogram.snapshot()
    own = f"{_label(one.row, one.label)}," if one.label else ""
    bounds = [*(repr(float(bound)) for bound in snapshot.bounds), "+Inf"]
    for bound, count, exemplar in zip(bounds, accumulate(snapshot.counts), snapshot.exemplars, strict=True):
        end = _exemplar(exemplar) if is_open and exemplar is not None else ""
        yield f'{name}_bucket{{{own}le="{bound}"}} {count}{end}'
    labels = f"{{{own[:-1]}}}" if own else ""
    yield f"{name}_sum{labels} {snapshot.total}"
    yield f"{name}_count{labels} {snapshot.count}"


def _exemplar(exemplar: Exemplar) -> str:
    ids = f'trace_id="{exemplar.trace_id:032x}",span_id="{exemplar.span_id:016x}"'
    return f" # {{{ids}}} {exemplar.value} {exemplar.at_ns / 1e9:.3f}"


def _label(row: Metric, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{row.label.replace(".", "_")}="{escaped}"'

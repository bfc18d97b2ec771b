"""Draws a dashboard of otel/grafana from what Prometheus holds, for pages that cannot show Grafana itself.

Usage: python docs/pictures/draw_dashboard.py http://localhost:9090 otel/grafana/dashboards/overview.json > overview.svg

Panels, their places, titles and expressions are those of the file, and every number is Prometheus' answer. The look is
not Grafana's.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

COLUMN, ROW, GAP, TOP = 50, 30, 8, 56
"""Pixels of a cell of the dashboard's grid of 24 columns, and around."""
SPAN_S, STEP_S, RATE = 240, 4, "20s"
"""Of each query: seconds back, seconds between two points, what ``$__rate_interval`` is."""
COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff780a", "#b877d9", "#f2495c", "#8ab8ff", "#c0d8ff", "#96d98d", "#ffb357")

Series = tuple[str, list[tuple[float, float]]]
"""Name and points (time, value)."""


class Prometheus:
    """Asks one Prometheus for the last few minutes before ``now``."""

    def __init__(self, url: str, now: float) -> None:
        self._url = url
        self.now = now

    def series(self, panel: dict[str, Any]) -> list[Series]:
        """Answer every expression of a panel."""
        found: list[Series] = []
        for target in panel["targets"]:
            expr = target["expr"].replace("$__rate_interval", RATE).replace("$instance", ".*")
            asked = {"query": expr, "start": self.now - SPAN_S, "end": self.now, "step": STEP_S}
            url = f"{self._url}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
            with urllib.request.urlopen(url) as answer:  # noqa: S310 - whoever runs it names the address
                results = json.load(answer)["data"]["result"]
            for result in results:
                points = [(at, float(value)) for at, value in result["values"] if value not in ("NaN", "+Inf", "-Inf")]
                found.append((_named(target.get("legendFormat", ""), result["metric"]), points))
        return found


def _named(legend: str, labels: dict[str, str]) -> str:
    for label, value in labels.items():
        legend = legend.replace("{{" + label + "}}", value)
    return legend


def readable(value: float, unit: str) -> str:
    """Write a number with its unit."""
    if unit == "s":
        scaled = next(((f, n) for f, n in ((1.0, "s"), (1e3, "ms")) if value * f >= 1), (1e6, "us"))
        return f"{_short(value * scaled[0])} {scaled[1]}" if value else "0 s"
    if unit in ("bytes", "Bps"):
        power = next((p for p in (3, 2, 1) if value >= 1024**p), 0)
        return f"{_short(value / 1024**power)} {('B', 'KiB', 'MiB', 'GiB')[power]}{'/s' if unit == 'Bps' else ''}"
    if unit == "percentunit":
        return f"{_short(value * 100)} %"
    text = f"{_short(value / 1000)} K" if value >= 10_000 else _short(value)
    return f"{text}/s" if unit == "mps" else text


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def text(x: float, y: float, words: str, size: int = 11, colour: str = "#9fa7b3", more: str = "") -> str:
    """Write words at a place."""
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{colour}" {more}>{escape(words)}</text>'


def stat(box: tuple[float, float, float, float], unit: str, series: Sequence[Series]) -> list[str]:
    """Show the last value."""
    x, y, w, h = box
    points = series[0][1] if series else []
    shown = readable(points[-1][1], unit) if points else "no data"
    return [text(x + w / 2, y + h / 2 + 20, shown, 26, "#e8ebef", 'text-anchor="middle"')]


def plot(box: tuple[float, float, float, float], unit: str, series: Sequence[Series], now: float) -> list[str]:
    """Show lines over time, with their names below."""
    x, y, w, h = box
    left, bottom = x + 62, y + h - 40
    width, height = w - 74, h - 74
    top = max((value for _, points in series for _, value in points), default=0.0) * 1.08 or 1.0
    lines = []
    for part in (0.0, 0.5, 1.0):
        at = bottom - part * height
        lines.append(f'<path d="M{left:.0f} {at:.0f}h{width:.0f}" stroke="#2c3235"/>')
        lines.append(text(left - 6, at + 4, readable(top * part, unit), 10, more='text-anchor="end"'))
    for minutes in range(SPAN_S // 60 + 1):
        at = left + width * (1 - minutes * 60 / SPAN_S)
        clock = time.strftime("%H:%M", time.gmtime(now - minutes * 60))
        lines.append(text(at, bottom + 14, clock, 10, more='text-anchor="middle"'))
    name_at, name_y = left, bottom + 32
    for number, (name, points) in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        places = " ".join(
            f"{left + width * (1 - (now - at) / SPAN_S):.1f},{bottom - height * value / top:.1f}"
            for at, value in points
        )
        lines.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.4"/>')
        if name_at + len(name) * 6 > x + w:
            continue  # as many names as there is room for
        lines.append(f'<rect x="{name_at:.0f}" y="{name_y - 5:.0f}" width="10" height="3" fill="{colour}"/>')
        lines.append(text(name_at + 14, name_y, name, 10))
        name_at += 26 + len(name) * 6
    return lines


def heat(box: tuple[float, float, float, float], unit: str, series: Sequence[Series], now: float) -> list[str]:
    """Show how many fell into each bucket, darker where few did; buckets are cumulative in Prometheus."""
    x, y, w, h = box
    left, bottom, width, height = x + 62, y + h - 26, w - 74, h - 60
    ordered = sorted((float(name) for name, _ in series if name))
    at = {float(name): dict(points) for name, points in series if name}
    found: list[tuple[float, int, float]] = []
    for number, bound in enumerate(ordered):
        below = at[ordered[number - 1]] if number else {}
        found += [(when, number, value - below.get(when, 0.0)) for when, value in at[bound].items()]
    most = max((value for _, _, value in found), default=1.0) or 1.0
    cell, column = height / max(len(ordered), 1), width * STEP_S / SPAN_S
    lines = [
        f'<rect x="{left + width * (1 - (now - when) / SPAN_S) - column:.1f}" y="{bottom - cell * (number + 1):.1f}" '
        f'width="{column + 0.3:.1f}" height="{cell - 1:.1f}" fill="#f2870c" opacity="{(value / most) ** 0.5:.2f}"/>'
        for when, number, value in found
        if value > most / 1000 and now - when < SPAN_S - STEP_S
    ]
    for number, bound in enumerate(ordered):
        if bound != float("inf") and number % 2:
            lines.append(text(left - 6, bottom - cell * number, readable(bound, unit), 10, more='text-anchor="end"'))
    return lines


def draw(dashboard: dict[str, Any], prometheus: Prometheus, rows: int) -> str:
    """Write the picture of the panels that are within the first ``rows`` of the grid."""
    panels = [panel for panel in dashboard["panels"] if panel["gridPos"]["y"] + panel["gridPos"]["h"] <= rows]
    height = TOP + ROW * max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) + GAP
    width = COLUMN * 24 + GAP
    note = "every number is from Prometheus; drawn by docs/pictures/draw_dashboard.py, not a picture of Grafana"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="#111217"/>',
        text(12, 26, dashboard["title"], 17, "#e8ebef"),
        text(12, 44, note),
    ]
    for panel in panels:
        lines += _panel(panel, prometheus)
    return "\n".join([*lines, "</svg>", ""])


def _panel(panel: dict[str, Any], prometheus: Prometheus) -> list[str]:
    grid = panel["gridPos"]
    x, y = grid["x"] * COLUMN + GAP, TOP + grid["y"] * ROW
    w, h = grid["w"] * COLUMN - GAP, grid["h"] * ROW - GAP
    if panel["type"] == "row":
        return [text(x, y + 18, panel["title"], 13, "#e8ebef")]
    box, unit = (float(x), float(y), float(w), float(h)), panel["fieldConfig"]["defaults"].get("unit", "short")
    series = prometheus.series(panel)
    kinds: dict[str, Callable[[], list[str]]] = {
        "stat": lambda: stat(box, unit, series),
        "heatmap": lambda: heat(box, unit, series, prometheus.now),
        "timeseries": lambda: plot(box, unit, series, prometheus.now),
    }
    frame = f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="2" fill="#181b1f" stroke="#2c3235"/>'
    return [frame, text(x + 10, y + 19, panel["title"], 12, "#d0d5dc"), *kinds[panel["type"]]()]


def main(url: str, path: str, rows: int = 1000) -> str:
    """Draw the dashboard of a file."""
    return draw(json.loads(Path(path).read_text("utf-8")), Prometheus(url, time.time()), rows)


if __name__ == "__main__":
    sys.stdout.write(main(*sys.argv[1:3]))

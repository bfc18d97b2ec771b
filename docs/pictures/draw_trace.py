"""Draws a trace as Jaeger's HTTP API exports it: python docs/pictures/draw_trace.py trace.json > trace.svg.

For pages that cannot show Jaeger itself. Nothing is made up: bars, names and times are those of the file.
"""

from __future__ import annotations

import json
import sys
from html import escape
from typing import Any

WIDTH, ROW, LEFT, TOP = 960, 26, 350, 62
COLOURS = {"server": "#2f6f9f", "internal": "#7a8793", "producer": "#3f8f5f", "consumer": "#8f6f3f"}

Span = dict[str, Any]


def tags_of(span: Span) -> dict[str, Any]:
    """Give the attributes of a span."""
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def in_order(spans: list[Span]) -> list[tuple[int, Span]]:
    """Give each span with its depth, parents first, as they began."""
    below: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda one: one["startTime"]):
        parent = span["references"][0]["spanID"] if span["references"] else ""
        below.setdefault(parent, []).append(span)

    def walk(parent: str, depth: int) -> list[tuple[int, Span]]:
        found = []
        for span in below.get(parent, []):
            found += [(depth, span), *walk(span["spanID"], depth + 1)]
        return found

    return walk("", 0)


def draw(spans: list[Span]) -> str:
    """Write the picture."""
    begun = min(span["startTime"] for span in spans)
    took = max(span["startTime"] + span["duration"] for span in spans) - begun or 1
    scale = (WIDTH - LEFT - 90) / took
    height = TOP + ROW * len(spans) + 16
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="15" font-weight="bold">trace {spans[0]["traceID"]}</text>',
        f'<text x="16" y="44" font-size="12" fill="#555">{len(spans)} spans, {took} us; drawn from the data that '
        "Jaeger exported</text>",
    ]
    for number, (depth, span) in enumerate(in_order(spans)):
        y, tags = TOP + ROW * number, tags_of(span)
        x = LEFT + (span["startTime"] - begun) * scale
        width = max(span["duration"] * scale, 2)
        kind = str(tags.get("span.kind", "internal"))
        lines += [
            f'<text x="{16 + 14 * depth}" y="{y + 16}" font-size="12">{escape(span["operationName"])}'
            f'<tspan fill="#888"> {escape(kind.upper())}</tspan></text>',
            f'<rect x="{x:.1f}" y="{y + 4}" width="{width:.1f}" height="{ROW - 9}" rx="2" fill="{COLOURS[kind]}"/>',
            f'<text x="{x + width + 5:.1f}" y="{y + 17}" font-size="11" fill="#333">{span["duration"]} us</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(draw(json.load(file)["data"][0]["spans"]))

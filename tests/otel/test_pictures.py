"""The pictures of the dashboards and of the trace are of the dashboards and the spans that there are."""

from __future__ import annotations

import json
from html import escape

import pytest

from arqonbus.telemetry.span_table import EVENT
from docs.pictures import draw_trace
from docs.pictures.draw_dashboard import readable
from tests.e2e.backends.zipkin import zipkin_span
from tests.otel.expressions import OTEL, dashboards

PICTURES = OTEL.parent / "docs" / "pictures"


@pytest.mark.parametrize(("name", "rows"), [("overview", 31), ("delivery", 27)])
def test_the_picture_of_a_dashboard_has_its_panels(name: str, rows: int) -> None:
    drawn = (PICTURES / f"{name}.svg").read_text("utf-8")
    panels = [one for one in dashboards()[name]["panels"] if one["gridPos"]["y"] + one["gridPos"]["h"] <= rows]

    assert len(panels) >= 8
    for panel in panels:
        assert f">{escape(panel['title'])}</text>" in drawn
    assert "no data" not in drawn
    assert "not a picture of Grafana" in drawn


def test_the_picture_of_the_trace_is_of_the_data_beside_it() -> None:
    spans = json.loads((PICTURES / "trace.json").read_text("utf-8"))["data"][0]["spans"]

    assert (PICTURES / "trace.svg").read_text("utf-8") == draw_trace.draw(spans)
    assert {span["operationName"] for span in spans} == {
        row.name for row in (EVENT.publish, EVENT.route, EVENT.fanout, EVENT.deliver) if row is not None
    }
    root, child = (zipkin_span(span) for span in sorted(spans, key=lambda span: span["startTime"])[:2])
    assert (root["kind"], "parentId" in root) == ("SERVER", False)
    assert (child["parentId"], "kind" in child) == (root["id"], False)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "s", "0 s"),
        (0.00025, "s", "250 us"),
        (0.0118, "s", "11.8 ms"),
        (52.7, "mps", "52.7/s"),
        (12_345.0, "short", "12.3 K"),
        (336_000.0, "Bps", "328 KiB/s"),
        (3.0, "bytes", "3 B"),
        (0.5, "percentunit", "50 %"),
    ],
)
def test_numbers_are_written_with_their_units(value: float, unit: str, text: str) -> None:
    assert readable(value, unit) == text

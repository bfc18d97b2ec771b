"""The PromQL of the dashboards and alert rules, and the names of metrics in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

OTEL = Path(__file__).resolve().parents[2] / "otel"
DASHBOARDS = sorted((OTEL / "grafana" / "dashboards").glob("*.json"))

SPAN_METRICS = {"traces_span_metrics_calls_total", "traces_span_metrics_duration_seconds"}
"""What the collector makes of spans; see span_metrics in otel/collector.yaml."""

_NAME = re.compile(r"\b(?:arqonbus|process|traces)_[a-z_]+\b(?!\s*=)")
_SUFFIX = re.compile(r"_(?:bucket|sum|count)$")


def dashboards() -> dict[str, Any]:
    """Every dashboard by the name of its file."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in DASHBOARDS}


def of_dashboards() -> Iterator[tuple[str, str]]:
    """Where and what: every expression of a panel."""
    for name, dashboard in dashboards().items():
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                yield f"{name}: {panel['title']}: {target['refId']}", target["expr"]


def of_rules() -> Iterator[tuple[str, str]]:
    """Where and what: every expression of an alert rule."""
    for group in yaml.safe_load((OTEL / "alerts.yml").read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def metrics_in(expr: str) -> set[str]:
    """The names of metrics in an expression; of a histogram the name without its suffix."""
    return {name if name.endswith("_total") else _SUFFIX.sub("", name) for name in _NAME.findall(expr)}


def filled(expr: str) -> str:
    """Put values where Grafana puts them."""
    return expr.replace("$__rate_interval", "5m").replace("$instance", ".*")

"""The files of otel/ and docker-compose.yml: they parse, fit each other, and name metrics that exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from arqonbus.telemetry.metrics import METRICS, prometheus_name
from tests.e2e.backends import build
from tests.otel.expressions import (
    OTEL,
    SPAN_METRICS,
    dashboards,
    filled,
    metrics_in,
    of_dashboards,
    of_rules,
)

ROOT = OTEL.parent
KNOWN = {prometheus_name(row) for row in METRICS} | SPAN_METRICS
EXPRESSIONS = [*of_dashboards(), *of_rules()]
YAML = [*OTEL.rglob("*.yaml"), *OTEL.rglob("*.yml"), ROOT / "docker-compose.yml"]


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_a_file_is_yaml(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text("utf-8")), dict)


@pytest.mark.proves("007/FR-008")
@pytest.mark.parametrize(("where", "expr"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_an_expression_names_metrics_of_the_table_only(where: str, expr: str) -> None:
    assert metrics_in(expr)
    assert metrics_in(expr) <= KNOWN
    assert "$" not in filled(expr)


def test_every_metric_is_shown_somewhere() -> None:
    shown = set().union(*(metrics_in(expr) for _, expr in of_dashboards()))

    assert KNOWN - shown == set()


def test_histograms_are_asked_for_their_buckets() -> None:
    for where, expr in EXPRESSIONS:
        if "histogram_quantile" in expr:
            assert re.search(r"_bucket\{|_bucket\[", expr) and "le)" in expr, where


@pytest.mark.parametrize("name", dashboards())
def test_a_dashboard_is_whole(name: str) -> None:
    dashboard = dashboards()[name]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["title"]
        if panel["type"] != "row":
            assert all(target["datasource"]["uid"] == "prometheus" for target in panel["targets"])


def test_no_two_panels_share_a_place() -> None:
    for name, dashboard in dashboards().items():
        taken: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert not cells & taken, f"{name}: {panel['title']}"
            taken |= cells


def test_an_exemplar_leads_to_the_trace() -> None:
    sources = {
        source["uid"]: source
        for source in read("otel/grafana/provisioning/datasources/datasources.yaml")["datasources"]
    }
    (destination,) = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]

    assert destination == {"name": "trace_id", "datasourceUid": "jaeger"}
    assert "jaeger" in sources
    latency = [panel for panel in dashboards()["delivery"]["panels"] if panel["title"] == "Delivery"]
    assert latency[0]["targets"][0]["exemplar"] is True


def test_the_services_find_each_other() -> None:
    services = read("docker-compose.yml")["services"]
    assert set(services) == {"bus", "redis", "otel-collector", "jaeger", "prometheus", "grafana"}

    texts = [path.read_text("utf-8") for path in YAML]
    hosts = set().union(*(re.findall(r"(?:-|//)([a-z-]+):(?:4317|4318|9090|16686)\b", text) for text in texts))
    assert hosts <= set(services) | {"localhost"}
    for service in services.values():
        for mount in service.get("volumes", ()):
            source = mount.partition(":")[0]
            assert not source.startswith(".") or (ROOT / source).exists(), mount


def test_images_are_pinned_and_ports_are_not_public() -> None:
    for name, service in read("docker-compose.yml")["services"].items():
        assert "build" in service or re.search(r":v?\d+\.\d+\.\d+(-[a-z]+)?$", service["image"]), name
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"


def test_the_backends_that_are_tested_are_those_of_the_containers() -> None:
    services = read("docker-compose.yml")["services"]

    assert services["otel-collector"]["image"].endswith(f":{build.COLLECTOR[1:]}")
    assert services["prometheus"]["image"].endswith(
        f":v3.{build.PROMETHEUS.split('.')[1][1:]}.{build.PROMETHEUS.split('.')[2]}"
    )
    assert services["jaeger"]["image"].endswith(":2.13.0") and build.JAEGER == "v1.76.0"
    manifest = yaml.safe_load(build.manifest())
    used = read("otel/collector.yaml")
    for kind in ("receivers", "processors", "exporters", "connectors", "extensions"):
        assert len(manifest[kind]) == len(used[kind]), kind


def test_the_bus_of_the_containers_exports_to_the_collector() -> None:
    environment = read("docker-compose.yml")["services"]["bus"]["environment"]

    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://otel-collector:4318"


CHECKS = {
    "docker-compose": ["-f", "docker-compose.yml", "config", "--quiet"],
    "otelcol": ["validate", "--config=otel/collector.yaml"],
    "promtool": ["check", "config", "otel/prometheus.yml"],  # which checks the rules that it names, too
}
"""How the programs of tests/e2e/backends check their own files. Jaeger has no such command: it starts in tests/e2e."""


@pytest.mark.parametrize("program", CHECKS)
def test_the_program_itself_takes_its_file(program: str) -> None:
    found = build.BIN / program if (build.BIN / program).exists() else shutil.which(program)
    if found is None:
        pytest.skip(f"NOT RUN: {program} is not here; python -m tests.e2e.backends.build builds it where there is Go")
    ended = subprocess.run([found, *CHECKS[program]], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_what_the_program_refuses_is_told(tmp_path: Path) -> None:
    """The check above can fail."""
    if not (build.BIN / "docker-compose").exists():
        pytest.skip("NOT RUN: docker-compose is not here; python -m tests.e2e.backends.build builds it")
    (tmp_path / "docker-compose.yml").write_text("services: {bus: {imgae: none}}", "utf-8")
    ended = subprocess.run([build.BIN / "docker-compose", "config"], cwd=tmp_path, capture_output=True, timeout=60)

    assert ended.returncode != 0


def test_what_docker_builds_is_what_the_package_needs() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")

    assert re.search(r"^FROM python:3\.\d+\.\d+-slim", text, re.MULTILINE)
    assert "USER " in text
    assert os.path.exists(ROOT / ".dockerignore")

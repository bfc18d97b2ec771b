"""Traces and metrics in the real collector, Jaeger and Prometheus, set up by the files of otel/ as they are."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from arqonbus.telemetry.metrics import METRICS, prometheus_name
from arqonbus.telemetry.span_table import SPANS
from tests.e2e.backends.build import BIN
from tests.e2e.backends.stack import Stack
from tests.otel.expressions import SPAN_METRICS, filled, of_dashboards, of_rules
from tests.specs.bus import Bus

pytestmark = pytest.mark.integration

MISSING = [name for name in ("otelcol", "jaeger", "prometheus") if not (BIN / name).exists()]
EXPRESSIONS = [*of_dashboards(), *of_rules()]
MEMBERS = 3
ONLY_IN_TROUBLE = {"arqonbus.storage.refused", "arqonbus.storage.troubles"}
"""Counters whose labels come with the first trouble of a shared store."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if MISSING:
        why = "run python -m tests.e2e.backends.build first (20 minutes)" if shutil.which("go") else "there is no Go"
        pytest.skip(f"NOT RUN: {', '.join(MISSING)} not built: {why}")
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="module")
def bus(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A bus that exports, and whose numbers have come to Prometheus."""
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": stack.endpoint,
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    bus = Bus(
        tmp_path_factory.mktemp("bus"), ['server.name = "node-1"', "telemetry.traces_per_s = 1000"], variables=variables
    ).start()
    try:
        stack.wait_for(lambda: stack.query('arqonbus_uptime_seconds{instance="node-1"}'), "the metrics of the bus")
        yield bus
    finally:
        bus.stop()


@pytest.fixture(scope="module")
def trace_id(stack: Stack, bus: Bus) -> str:
    """One message from a publisher without any SDK to three members, through the bus; its trace is in Jaeger."""
    context = asyncio.run(_publish_one(bus))
    trace_id = context.split("-")[1]
    stack.wait_for(lambda: len(stack.trace(trace_id)) == 3 + MEMBERS, "the whole trace")
    return trace_id


async def _publish_one(bus: Bus) -> str:
    """Give the context that the members got."""
    async with AsyncExitStack() as clients:
        members = [await clients.enter_async_context(connect(bus.url)) for _ in range(MEMBERS)]
        publisher = await clients.enter_async_context(connect(bus.url))
        for member in members:
            await member.send('{"type":"command","id":"j","command":"join_channel","args":{"room":"science:explore"}}')
            await _next(member, "response")
        await publisher.send('{"type":"command","id":"k","command":"nope"}')  # so that there is an error to count
        await publisher.send('{"type":"event","room":"science:explore","id":"m-1","payload":"hello"}')
        contexts = {(await _next(member, "event"))["traceparent"] for member in members}
    (context,) = contexts
    return str(context)


async def _next(client: ClientConnection, kind: str) -> dict[str, Any]:
    """Give the next message of a type."""
    async with asyncio.timeout(10):
        while True:
            message: dict[str, Any] = json.loads(await client.recv())
            if message["type"] == kind:
                return message


def test_jaeger_shows_one_message_as_one_tree(stack: Stack, trace_id: str) -> None:
    spans = {span["spanID"]: span for span in stack.trace(trace_id)}

    parents = {
        (span["operationName"], spans[span["references"][0]["spanID"]]["operationName"] if span["references"] else "")
        for span in spans.values()
    }
    assert parents == {
        ("publish {room}:{channel}", ""),
        ("route {room}:{channel}", "publish {room}:{channel}"),
        ("fanout {room}:{channel}", "route {room}:{channel}"),
        ("deliver {room}:{channel}", "fanout {room}:{channel}"),
    }
    assert "arqonbus" in stack.services()
    rows = {row.name: row for row in SPANS if row.name.endswith("{room}:{channel}")}
    for span in spans.values():
        tags = {tag["key"]: tag["value"] for tag in span["tags"]}
        row = rows[span["operationName"]]
        assert tags["span.kind"] == row.kind.lower()
        assert set(row.always) <= set(tags)


def test_every_metric_of_the_bus_is_in_prometheus_under_its_name(stack: Stack, bus: Bus, trace_id: str) -> None:
    stack.wait_for(lambda: stack.query('arqonbus_errors_total{instance="node-1"}'), "the newest numbers")
    missing = []
    for row in METRICS:
        name = prometheus_name(row) + ("_count" if row.kind == "histogram" else "")
        found = stack.query(f'{name}{{instance="node-1",service_name="arqonbus"}}')
        if not found and row.name not in ONLY_IN_TROUBLE:
            missing.append(row.name)
        elif row.label:
            assert all(row.label.replace(".", "_") in one["metric"] for one in found), row.name

    assert missing == []


def test_the_collector_makes_metrics_of_spans(stack: Stack, trace_id: str) -> None:
    for name in SPAN_METRICS:
        suffix = "" if name.endswith("_total") else "_count"
        expr = f'{name}{suffix}{{service_name="arqonbus",span_name="fanout {{room}}:{{channel}}"}}'
        stack.wait_for(lambda expr=expr: stack.query(expr), expr)


def test_an_exemplar_of_a_latency_is_the_trace(stack: Stack, trace_id: str) -> None:
    def ids() -> set[str]:
        found = stack.exemplars('arqonbus_deliver_duration_seconds_bucket{instance="node-1"}')
        return {exemplar["labels"].get("trace_id", "") for one in found for exemplar in one["exemplars"]}

    stack.wait_for(lambda: trace_id in ids(), "the exemplar")


@pytest.mark.proves("007/FR-008")
@pytest.mark.parametrize(("where", "expr"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_prometheus_takes_every_expression(stack: Stack, bus: Bus, where: str, expr: str) -> None:
    assert isinstance(stack.query(filled(expr)), list)


def test_prometheus_loads_every_alert_rule_and_none_fires_for_a_bus_that_is_well(stack: Stack, bus: Bus) -> None:
    rules: list[dict[str, Any]] = stack.rules()

    assert {rule["name"] for rule in rules} == {where for where, _ in of_rules()}
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []
    assert [where for where, expr in of_rules() if stack.query(expr)] == []


def test_the_monitor_of_jaeger_reads_the_metrics_of_spans(stack: Stack, trace_id: str) -> None:
    def calls() -> list[Any]:
        now_ms = int(time.time() * 1000)
        query = f"service=arqonbus&endTs={now_ms}&lookback=600000&step=5000&ratePer=60000&spanKind=server"
        return stack.monitor(f"calls?{query}")

    stack.wait_for(calls, "the rate of calls")


def test_a_collector_that_goes_away_and_comes_back_is_told_twice(stack: Stack, tmp_path: Path) -> None:
    """Against the real one: its port refuses while it is away."""
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": stack.endpoint,
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    bus = Bus(tmp_path, ['server.name = "node-2"'], variables=variables).start()
    try:
        stack.wait_for(lambda: stack.query('arqonbus_uptime_seconds{instance="node-2"}'), "the metrics of the bus")
        stack.end("otelcol")
        stack.wait_for(lambda: "telemetry_export_failing" in bus.story(), "the line that it fails")
        stack.start("otelcol")
        stack.wait_for(lambda: "telemetry_export_recovered" in bus.story(), "the line that it is back")
    finally:
        bus.stop()

    assert bus.story().count("telemetry_export_failing") == 1
    assert bus.story().count("telemetry_export_recovered") == 1

"""The whole export, to real receivers and to collectors that misbehave."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from arqonbus.telemetry.environment import Protocol, Wishes, plan
from arqonbus.telemetry.meters import Meters
from arqonbus.telemetry.sampler import AlwaysOn, RateLimited, Ratio
from arqonbus.telemetry.setup import Node, Pipeline, start, start_sampler
from arqonbus.telemetry.span_table import EVENT
from arqonbus.telemetry.tracer import Span
from tests.telemetry.receivers import (
    Taken,
    attributes_of,
    black_hole,
    grpc_receiver,
    hang,
    http_receiver,
    nobody,
)

ROOT = Path(__file__).parents[2]
SPAN = Span(EVENT.publish, 0xA, 0xB, 0, 1_000, 3_000, {"messaging.system": "arqonbus"})

Receiver = Callable[..., AbstractContextManager[Taken]]
RECEIVERS = pytest.mark.parametrize(
    ("receiver", "protocol"), [(http_receiver, "http/protobuf"), (grpc_receiver, "grpc")], ids=["http", "grpc"]
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Export spans soon, and no variable of ours leaks in."""
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")


def started(taken: Taken, protocol: Protocol, *, timeout_s: float = 5.0, interval_s: float = 0.05) -> Pipeline:
    wishes = Wishes(taken.url, protocol, timeout_s, interval_s)
    node = Node("node-1", "0.1.0", lambda: {"arqonbus.rooms": 3}, Meters().series)
    pipeline = start(plan({}, wishes), node)
    assert pipeline is not None
    return pipeline


def record(pipeline: Pipeline, n_spans: int = 1) -> None:
    assert pipeline.record is not None
    for _ in range(n_spans):
        pipeline.record(SPAN)


@RECEIVERS
async def test_spans_and_metrics_arrive_with_the_resource(receiver: Receiver, protocol: Protocol) -> None:
    with receiver() as taken:
        pipeline = started(taken, protocol)
        record(pipeline)
        await asyncio.to_thread(taken.wait_for, lambda t: bool(t.spans) and "arqonbus.rooms" in t.latest)
        assert await pipeline.close()

    (span,) = taken.spans
    assert span.name == "publish {room}:{channel}"
    assert taken.resource["service.name"] == "arqonbus"
    assert taken.resource["service.instance.id"] == "node-1"
    (point,) = taken.latest["arqonbus.rooms"].sum.data_points
    assert (point.as_int, attributes_of(point)) == (3, {})
    assert pipeline.reading["arqonbus.telemetry.spans"] == {"exported": 1, "failed": 0, "dropped": 0}


@RECEIVERS
async def test_what_was_recorded_last_is_exported_at_the_end(
    receiver: Receiver, protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    with receiver() as taken:
        pipeline = started(taken, protocol, interval_s=60.0)
        record(pipeline, 5)
        assert await pipeline.close()
        assert await pipeline.close()

    assert len(taken.spans) == 5
    assert "arqonbus.rooms" in taken.latest


@RECEIVERS
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_collector_that_refuses_is_told_of_once_and_so_is_its_return(
    receiver: Receiver, protocol: Protocol, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with receiver(lambda: status) as taken:
        pipeline = started(taken, protocol, timeout_s=0.3, interval_s=60.0)
        for n_failures in range(1, 4):
            record(pipeline)
            await asyncio.to_thread(taken.wait_for, lambda _, n=n_failures: pipeline.spans.n_failed >= n)
        taken.behave = lambda: 200
        record(pipeline)
        await asyncio.to_thread(taken.wait_for, lambda t: bool(t.spans))
        await pipeline.close()

    lines = [
        r.getMessage() for r in caplog.records if r.name == "arqonbus.telemetry" and "signal=traces" in r.getMessage()
    ]
    assert [line.partition(" ")[0] for line in lines] == [
        "telemetry_started", "telemetry_export_failing", "telemetry_export_recovered",
    ]  # fmt: skip
    assert [r.name for r in caplog.records if r.name.startswith(("opentelemetry", "urllib3", "grpc"))] == []


@pytest.mark.parametrize(
    "unreachable",
    [nobody, black_hole, lambda: http_receiver(hang), lambda: grpc_receiver(hang)],
    ids=["nobody", "black hole", "http that hangs", "grpc that hangs"],
)
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_with_a_collector_that_is_not_there_the_loop_goes_on_and_the_end_comes_in_time(
    unreachable: Receiver, protocol: Protocol
) -> None:
    """In a process of its own: what is given up goes on until the process ends, and must not keep it."""
    with unreachable() as taken:
        command = [sys.executable, "-m", "tests.telemetry.in_vain", taken.url, protocol]
        began_at = time.monotonic()
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        took_s = time.monotonic() - began_at

    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["exported"] == 0
    assert found["dropped"] > 0  # the queue is bounded
    assert found["grown_mb"] < 15
    assert found["slowest_ms"] < 500  # of 200 spans, which take 2 ms where nobody else is busy
    assert found["close_s"] < 1.5
    assert took_s - found["alive_s"] < 3.0  # start of the interpreter, and its end
    assert ended.stderr.count("telemetry_export_failing") <= 2
    assert [line for line in ended.stderr.splitlines() if "arqonbus" not in line] == []


async def test_after_failures_in_a_row_whoever_records_is_told_to_pause() -> None:
    until: list[float] = []
    with nobody() as taken:
        pipeline = started(taken, "http/protobuf", timeout_s=0.1, interval_s=60.0)
        pipeline.on_break = until.append
        for n_failures in range(1, 4):
            record(pipeline)
            await asyncio.to_thread(taken.wait_for, lambda _, n=n_failures: pipeline.spans.n_failed >= n)
        await pipeline.close(1.0)

    assert until and until[0] > time.monotonic()


def test_without_an_endpoint_there_is_no_pipeline() -> None:
    assert start(plan({}, Wishes()), Node("n", "v", dict, tuple)) is None


def test_nothing_of_opentelemetry_is_imported_before_something_is_exported() -> None:
    code = (
        "import sys; import arqonbus.server; from arqonbus.telemetry.setup import *; "
        "from arqonbus.telemetry.environment import *; "
        "start(plan({}, Wishes()), Node('n', 'v', dict, tuple)); start_sampler(plan({}, Wishes()), 50); "
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'grpc', 'google'))])"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert ended.stdout == "[]\n", ended.stderr


async def test_a_part_that_cannot_be_set_up_is_left_out(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "nonsense")
    with grpc_receiver() as taken:
        pipeline = started(taken, "grpc")
        await asyncio.to_thread(taken.wait_for, lambda t: "arqonbus.rooms" in t.latest)
        await pipeline.close()

    assert pipeline.record is None
    assert any(record.msg == "telemetry_not_started" for record in caplog.records)


async def test_variables_that_cannot_be_used_are_logged_and_left_out(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "many")
    node = Node("n", "v", dict, tuple)
    with http_receiver() as taken:
        pipeline = start(plan({"OTEL_METRICS_EXPORTER": "zipkin"}, Wishes(taken.url)), node)
        assert pipeline is not None
        await pipeline.close()

    words = [r.getMessage() for r in caplog.records if r.msg == "telemetry_setting_ignored"]
    assert len(words) == 2
    assert "OTEL_METRICS_EXPORTER" in words[0] and "OTEL_BSP_MAX_QUEUE_SIZE" in words[1]


async def test_the_line_that_says_where_it_goes_holds_no_password(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    with http_receiver() as taken:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", taken.url.replace("//", "//me:secret@"))
        pipeline = start(plan(dict(os.environ), Wishes()), Node("n", "v", dict, tuple))
        assert pipeline is not None
        await pipeline.close()

    assert "127.0.0.1" in caplog.text
    assert "secret" not in caplog.text


def test_samplers_are_made_by_name_and_a_wrong_one_is_the_default(caplog: pytest.LogCaptureFixture) -> None:
    def sampler(name: str, argument: str = "") -> object:
        return start_sampler(plan({"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument}, Wishes()), 50)

    assert isinstance(sampler(""), RateLimited)
    assert isinstance(sampler("always_on"), AlwaysOn)
    assert isinstance(sampler("traceidratio", "0.1"), Ratio)
    assert caplog.records == []

    assert isinstance(sampler("traceidratio", "many"), RateLimited)
    assert isinstance(sampler("nobody_has_this"), RateLimited)
    assert len(caplog.records) == 2

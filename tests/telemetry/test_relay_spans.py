"""An event between two nodes stays one trace."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from arqonbus.telemetry.context import TraceContext, format_parent
from arqonbus.telemetry.relay_spans import relay_in, relay_out, taken_in
from arqonbus.telemetry.sampler import AlwaysOff, RateLimited, Source
from arqonbus.telemetry.span_table import RELAY_IN, RELAY_OUT
from arqonbus.telemetry.tracer import Trace
from tests.telemetry.stage import Stage
from tests.telemetry.test_spans import about, check

PARENT = format_parent(0xA, 0xB)


def begun(stage: Stage) -> Trace:
    trace = stage.tracer.begin(UNSET, Source(), 0.0)
    assert trace is not None
    return trace


def text(traceparent: str | None = PARENT, **more: Any) -> bytes:
    fields = {"type": "event", "room": "r", "channel": "c", "id": "m-1", "from": "c-1", "payload": 1, **more}
    return msgspec.json.encode({**fields, "traceparent": traceparent} if traceparent else fields)


def test_to_give_an_event_to_the_store_is_a_span_under_the_publish() -> None:
    stage = Stage()
    trace = begun(stage)

    relay_out(stage.tracer, trace, about(), stage.tracer.clock_ns())
    relay_out(stage.tracer, trace, about(), stage.tracer.clock_ns(), "timeout")

    taken, lost = stage.spans
    for span in (taken, lost):
        check(span)
        assert (span.row, span.parent_id) == (RELAY_OUT, trace.span_id)
    assert (taken.error, lost.error, lost.attributes["error.type"]) == (None, "timeout", "timeout")


def test_an_event_of_another_node_goes_on_with_its_trace() -> None:
    stage = Stage()

    found = taken_in(stage.tracer, text(reply_to="m-0"), "r:c", 0.0)
    assert found is not None
    trace, told = found
    relay_in(stage.tracer, trace, told)

    (span,) = stage.spans
    check(span)
    assert (span.row, span.trace_id, span.span_id, span.parent_id) == (RELAY_IN, 0xA, trace.span_id, 0xB)
    assert span.is_parent_remote
    assert (told.destination, told.client, told.id, told.reply_to) == ("r:c", "c-1", "m-1", "m-0")


@pytest.mark.parametrize(
    "event",
    [
        text(None),
        text(format_parent(0xA, 0xB, 0)),
        text(None, payload={"traceparent": PARENT}),
        text("00-nonsense"),
    ],
    ids=["none", "not sampled", "in the payload", "nonsense"],
)
def test_an_event_without_a_sampled_context_is_not_traced(event: bytes) -> None:
    assert taken_in(Stage().tracer, event, "r:c", 0.0) is None


def test_what_the_sampler_does_not_want_and_what_nobody_takes_is_not_traced() -> None:
    off, paused = Stage(AlwaysOff()), Stage()
    paused.tracer.pause(10.0)

    assert taken_in(off.tracer, text(), "r:c", 0.0) is None
    assert off.tracer.n_throttled == 1
    assert taken_in(paused.tracer, text(), "r:c", 0.0) is None


def test_other_nodes_have_the_bound_of_all_and_not_that_of_one_client() -> None:
    stage = Stage(RateLimited(50))

    traced = [taken_in(stage.tracer, text(), "r:c", 100.0) is not None for _ in range(100)]

    assert traced.count(True) == 40  # at once: a fifth of four times the rate


def test_without_a_recorder_events_are_timed_and_have_no_span() -> None:
    stage = Stage(records=False)
    trace = begun(stage)

    relay_out(stage.tracer, trace, about(), 0)
    relay_in(stage.tracer, trace, about())

    found = stage.tracer.go_on(TraceContext(1, 2), Source(), 0.0)
    assert found is not None and not found.is_recorded

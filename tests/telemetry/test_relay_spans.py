"""A message between two nodes stays one trace."""

from msgspec import UNSET

from arqonbus.telemetry.context import parse
from arqonbus.telemetry.relay_spans import relay_in, relay_out
from arqonbus.telemetry.sampler import Source
from arqonbus.telemetry.span_table import RELAY_IN, RELAY_OUT
from arqonbus.telemetry.spans import Deliveries
from tests.telemetry.stage import Stage
from tests.telemetry.test_spans import about, check


def test_the_span_of_one_node_hangs_on_that_of_the_other() -> None:
    here, there = Stage(), Stage()
    trace = here.tracer.begin(UNSET, Source(), 0.0)
    assert trace is not None
    deliveries = Deliveries(here.tracer, trace, about())

    beside = relay_out(here.tracer, deliveries, "node-1", "arqonbus:r:c", here.tracer.clock_ns())
    sent = parse(beside or "")
    assert sent is not None
    going_on = relay_in(there.tracer, sent, about(), "arqonbus:r:c", ("node-1", "node-2"), there.tracer.clock_ns())

    (out,), (taken,) = here.spans, there.spans
    check(out)
    check(taken)
    assert (out.row, taken.row) == (RELAY_OUT, RELAY_IN)
    assert (out.parent_id, taken.parent_id) == (deliveries.parent_id, out.span_id)
    assert taken.is_parent_remote
    assert (going_on.trace_id, going_on.span_id) == (trace.trace_id, taken.span_id)


def test_a_relay_that_failed_says_why() -> None:
    stage = Stage()
    trace = stage.tracer.begin(UNSET, Source(), 0.0)
    assert trace is not None

    relay_out(stage.tracer, Deliveries(stage.tracer, trace, about()), "node-1", "k", 0, error="unavailable")

    assert stage.spans[0].error == stage.spans[0].attributes["error.type"] == "unavailable"


def test_without_a_recorder_nothing_goes_beside_the_frame() -> None:
    stage = Stage(records=False)
    trace = stage.tracer.begin(UNSET, Source(), 0.0)
    assert trace is not None

    assert relay_out(stage.tracer, Deliveries(stage.tracer, trace, about()), "node-1", "k", 0) is None

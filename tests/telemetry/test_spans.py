"""The spans of a message: what each function records is what the table says, and hangs where it should."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET, Raw

from arqonbus.telemetry.sampler import Source
from arqonbus.telemetry.span_attributes import About
from arqonbus.telemetry.span_table import BROADCAST, EVENT, PRIVATE, Message
from arqonbus.telemetry.spans import Deliveries, deliver, fanout, publish, route
from arqonbus.telemetry.tracer import Span, Trace
from tests.telemetry.stage import Stage

ACTORS = {EVENT.template: "channel", BROADCAST.template: "room", PRIVATE.template: "registry"}


def about(message: Message = EVENT, *, id: str | None = "m-1", reply_to: str | None = None) -> About:
    return About(message, "science:explore", "c-1", id, reply_to)


def begun(stage: Stage, traceparent: str | None = None) -> Trace:
    field = UNSET if traceparent is None else Raw(msgspec.json.encode(traceparent))
    trace = stage.tracer.begin(field, Source(), 0.0, size=120)
    assert trace is not None
    return trace


def send(stage: Stage, trace: Trace, told: About, n_members: int = 3) -> None:
    """Do what the actors do with one message."""
    tracer, actor = stage.tracer, (ACTORS[told.message.template], "science/explore")
    started_ns = tracer.clock_ns()
    route_id = route(tracer, trace, told, actor, started_ns, tracer.clock_ns(), 7 if told.message is EVENT else None)
    deliveries = Deliveries(tracer, trace, told, 0 if told.message.fanout is not None else route_id)
    if told.message.fanout is not None:
        fanout(tracer, deliveries, actor, route_id, n_members, 0, started_ns, tracer.clock_ns())
    publish(tracer, trace, told)
    for number in range(n_members):
        deliver(tracer, deliveries, f"c-{number}", "written", tracer.clock_ns())


def check(span: Span) -> None:
    """The span is as its row says."""
    row = span.row
    assert set(row.always) | {"messaging.system"} <= set(span.attributes)
    assert set(span.attributes) <= {*row.always, *row.sometimes, "messaging.system"}
    assert span.started_ns < span.ended_ns


@pytest.mark.parametrize("message", [EVENT, BROADCAST, PRIVATE], ids=lambda message: message.template)
def test_the_tree_of_a_message_is_the_documented_one(message: Message) -> None:
    stage = Stage()
    trace = begun(stage)

    send(stage, trace, about(message, reply_to="m-0"))

    spans = {span.row.name: span for span in stage.spans}
    for span in stage.spans:
        check(span)
        above = [known.span_id for known in stage.spans if known.row.name == span.row.parent]
        assert span.trace_id == trace.trace_id
        assert span.parent_id in (above or [0])
    assert set(spans) == {
        row.name for row in (message.publish, message.route, message.fanout, message.deliver) if row is not None
    }
    assert spans[message.publish.name].parent_id == 0
    assert spans[message.publish.name].attributes["messaging.message.conversation_id"] == "m-0"
    assert stage.names().count(message.deliver.name) == 3
    assert len({span.span_id for span in stage.spans}) == len(stage.spans)


def test_the_trace_of_a_sender_goes_on() -> None:
    stage = Stage()
    trace = begun(stage, f"00-{'a' * 32}-{'b' * 16}-01")

    send(stage, trace, about())

    (span,) = [span for span in stage.spans if span.row is EVENT.publish]
    assert (span.trace_id, span.parent_id, span.is_parent_remote) == (int("a" * 32, 16), int("b" * 16, 16), True)
    assert {span.trace_id for span in stage.spans} == {int("a" * 32, 16)}


def test_a_refused_message_has_one_span_with_the_code() -> None:
    stage = Stage()

    publish(stage.tracer, begun(stage), about(id=None), error="forbidden")

    (span,) = stage.spans
    check(span)
    assert (span.error, span.attributes["error.type"]) == ("forbidden", "forbidden")
    assert "messaging.message.id" not in span.attributes


def test_of_many_deliveries_the_first_have_spans_and_all_are_timed() -> None:
    stage = Stage(most_deliveries=4)

    send(stage, begun(stage), about(), n_members=100)

    assert stage.names().count(EVENT.deliver.name) == 4
    assert stage.count_of("arqonbus.deliver.duration") == 100
    (fan,) = [span for span in stage.spans if span.row is EVENT.fanout]
    assert (fan.attributes["arqonbus.fanout.members"], fan.attributes["arqonbus.fanout.traced"]) == (100, 4)


def test_deliveries_that_went_wrong_have_spans_after_the_first_ones_too_but_not_without_end() -> None:
    stage = Stage(most_deliveries=2)
    deliveries = Deliveries(stage.tracer, begun(stage), about())

    for outcome in ("written", "written", "written", "slow", "dropped", "slow", "queued"):
        deliver(stage.tracer, deliveries, "c-2", outcome, stage.tracer.clock_ns())

    assert [span.attributes["arqonbus.deliver.outcome"] for span in stage.spans] == [
        "written", "written", "slow", "dropped",
    ]  # fmt: skip
    assert [span.error for span in stage.spans] == [None, None, "slow", "dropped"]
    for span in stage.spans:
        check(span)


def test_the_route_tells_how_long_the_mail_waited_and_behind_how_many() -> None:
    stage = Stage()
    trace = msgspec.structs.replace(begun(stage), depth=9)

    route(stage.tracer, trace, about(), ("channel", "x"), trace.started_ns + 4_500_000, trace.started_ns + 5_000_000, 7)

    (span,) = stage.spans
    assert span.attributes["arqonbus.mailbox.wait_us"] == 4500
    assert span.attributes["arqonbus.mailbox.depth"] == 9
    assert span.attributes["arqonbus.seq"] == 7
    assert stage.count_of("arqonbus.mailbox.wait", "channel") == 1


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    stage = Stage()
    trace = begun(stage)

    route(stage.tracer, trace, about(), ("channel", "x"), trace.started_ns - 5_000, trace.started_ns)

    assert stage.spans[0].attributes["arqonbus.mailbox.wait_us"] == 0


def test_without_a_recorder_a_message_is_timed_alone() -> None:
    stage = Stage(records=False)

    send(stage, begun(stage), about())

    assert stage.spans == []
    assert stage.count_of("arqonbus.publish.duration", "event") == 1
    assert stage.count_of("arqonbus.deliver.duration") == 3
    assert stage.count_of("arqonbus.fanout.members") == 1
    assert all(
        one.histogram.snapshot().exemplars.count(None) == len(one.histogram.snapshot().counts)
        for one in stage.meters.series()
    )

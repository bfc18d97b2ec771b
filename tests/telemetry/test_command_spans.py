"""The spans of commands, joins and replays."""

from msgspec import UNSET

from arqonbus.telemetry.command_spans import MOST_LINKS, command, join, replay
from arqonbus.telemetry.context import TraceContext
from arqonbus.telemetry.sampler import Source
from arqonbus.telemetry.span_table import COMMAND, JOIN, REPLAY
from arqonbus.telemetry.tracer import Trace
from tests.telemetry.stage import Stage
from tests.telemetry.test_spans import check


def begun(stage: Stage) -> Trace:
    trace = stage.tracer.begin(UNSET, Source(), 0.0, size=80)
    assert trace is not None
    return trace


def test_a_join_that_replays_is_three_spans_in_one_line() -> None:
    stage = Stage()
    tracer, trace = stage.tracer, begun(stage)
    links = [TraceContext(5, 6), TraceContext(7, 8)]

    started_ns = tracer.clock_ns()
    join_id = join(tracer, trace, "r:c", "c-1", started_ns, recovered=True, n_members=4)
    replay(tracer, trace, join_id, "r:c", "c-1", started_ns, 9, links)
    command(tracer, trace, "join_channel", "c-1", "k1", "r:c")

    joined, replayed, commanded = stage.spans
    for span in stage.spans:
        check(span)
    assert [span.row for span in stage.spans] == [JOIN, REPLAY, COMMAND]
    assert (commanded.parent_id, joined.parent_id, replayed.parent_id) == (0, trace.span_id, joined.span_id)
    assert commanded.name == "command join_channel"
    assert replayed.attributes["messaging.batch.message_count"] == 9
    assert list(replayed.links) == links
    assert stage.count_of("arqonbus.command.duration") == 1


def test_a_refused_command_has_the_code_and_no_address_where_it_has_none() -> None:
    stage = Stage()

    command(stage.tracer, begun(stage), "unknown", "c-1", None, "", error="unknown_command")

    (span,) = stage.spans
    check(span)
    assert (span.name, span.error, span.attributes["error.type"]) == ("command unknown", *["unknown_command"] * 2)
    assert not {"messaging.destination.name", "messaging.message.id"} & set(span.attributes)


def test_the_newest_events_are_linked_where_there_are_too_many() -> None:
    stage = Stage()
    links = [TraceContext(number, 1) for number in range(1, 501)]

    replay(stage.tracer, begun(stage), 3, "r:c", "c-1", 0, 500, links)

    assert list(stage.spans[0].links) == links[-MOST_LINKS:]


def test_without_a_recorder_nothing_is_recorded() -> None:
    stage = Stage(records=False)
    trace = begun(stage)

    assert join(stage.tracer, trace, "r:c", "c-1", trace.started_ns, recovered=False, n_members=1) == 0
    replay(stage.tracer, trace, 0, "r:c", "c-1", 0, 1, [])
    command(stage.tracer, trace, "ping", "c-1", None, "")

    assert stage.spans == []
    assert stage.count_of("arqonbus.mailbox.wait", "channel") == 1

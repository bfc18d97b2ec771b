"""Whether a message is traced, and the context that it gets."""

import msgspec
import pytest
from msgspec import UNSET, Raw

from arqonbus.telemetry.context import parse
from arqonbus.telemetry.debugging import DEBUG_RATE
from arqonbus.telemetry.sampler import AlwaysOff, RateLimited, Source
from tests.telemetry.stage import Stage

SENT = f"00-{'a' * 32}-{'b' * 16}-01"
NOT_SAMPLED = f"00-{'a' * 32}-{'b' * 16}-00"


class Queue:
    """What a message goes to."""

    def __init__(self, depth: int) -> None:
        self.depth = depth


def raw(text: str) -> Raw:
    return Raw(msgspec.json.encode(text))


def test_a_message_without_a_context_begins_a_trace_if_the_sampler_says_so() -> None:
    stage = Stage()

    trace = stage.tracer.begin(UNSET, Source(), 0.0, 120, Queue(3))

    assert trace is not None
    assert (trace.parent_id, trace.size, trace.depth, trace.started_ns, trace.is_recorded) == (
        0,
        120,
        3,
        1_000_000,
        True,
    )
    assert trace.trace_id != trace.span_id
    assert Stage(AlwaysOff()).tracer.begin(UNSET, Source(), 0.0) is None


def test_a_sampled_context_is_gone_on_with() -> None:
    trace = Stage().tracer.begin(raw(SENT), Source(), 0.0)

    assert trace is not None
    assert (trace.trace_id, trace.parent_id) == (int("a" * 32, 16), int("b" * 16, 16))


@pytest.mark.parametrize("text", [NOT_SAMPLED, "nonsense", SENT.upper()])
def test_a_message_whose_context_is_invalid_or_not_sampled_is_not_traced(text: str) -> None:
    assert Stage().tracer.begin(raw(text), Source(), 0.0) is None


def test_over_the_bound_of_a_client_its_context_is_passed_by_and_counted() -> None:
    stage, source = Stage(RateLimited(1)), Source()

    traced = [stage.tracer.begin(raw(SENT), source, 0.0) is not None for _ in range(30)]

    assert traced.count(True) < 30
    assert stage.tracer.n_throttled == traced.count(False)
    assert stage.tracer.n_sampled == traced.count(True)


def test_the_delivered_frame_carries_the_publish_span_unless_the_sender_gave_a_context() -> None:
    tracer = Stage().tracer
    own, sent = tracer.begin(UNSET, Source(), 0.0), tracer.begin(raw(SENT), Source(), 0.0)
    assert own is not None and sent is not None

    context = parse(own.traceparent or "")
    assert context is not None and (context.trace_id, context.span_id) == (own.trace_id, own.span_id)
    assert sent.traceparent is None


def test_without_a_recorder_messages_are_timed_and_frames_carry_nothing_of_ours() -> None:
    trace = Stage(records=False).tracer.begin(UNSET, Source(), 0.0)

    assert trace is not None
    assert (trace.is_recorded, trace.traceparent) == (False, None)


def test_while_nobody_takes_spans_no_trace_begins() -> None:
    tracer = Stage().tracer
    tracer.pause(10.0)

    assert tracer.begin(UNSET, Source(is_debug=True), 9.9) is None
    assert tracer.begin(raw(SENT), Source(), 9.9) is None
    assert tracer.begin(UNSET, Source(), 10.0) is not None


def test_before_the_sampler_opens_nobody_needs_to_ask_for_a_new_trace() -> None:
    limited, every = Stage(RateLimited(5)).tracer, Stage().tracer

    assert limited.begin(UNSET, Source(), 10.0) is not None
    assert limited.opening.opens_at > 10.0
    assert limited.begin(UNSET, Source(), 10.0) is None
    assert every.opening.opens_at == float("-inf")


@pytest.mark.parametrize("sent", [SENT, NOT_SAMPLED])
def test_of_a_client_that_is_debugged_every_message_is_traced_on_with_the_senders_trace(sent: str) -> None:
    stage, source = Stage(AlwaysOff(), most_debugged=1), Source(is_debug=True)

    alone, joined = stage.tracer.begin(UNSET, source, 0.0), stage.tracer.begin(raw(sent), source, 0.0)
    invalid = stage.tracer.begin(raw("nonsense"), source, 0.0)

    assert alone is not None and alone.parent_id == 0 and alone.trace_id
    assert joined is not None and (joined.trace_id, joined.parent_id) == (int("a" * 32, 16), int("b" * 16, 16))
    assert invalid is not None and invalid.parent_id == 0
    assert (stage.tracer.n_sampled, stage.tracer.n_throttled) == (3, 0)


def test_clients_that_are_debugged_are_not_traced_without_end() -> None:
    stage, source = Stage(AlwaysOff(), most_debugged=1), Source(is_debug=True)

    traced = [stage.tracer.begin(UNSET, source, 0.0) is not None for _ in range(int(DEBUG_RATE) + 10)]

    assert traced.count(True) == DEBUG_RATE

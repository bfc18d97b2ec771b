"""Our encoding of spans is the SDK's, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from arqonbus.telemetry.context import TraceContext
from arqonbus.telemetry.otlp import BREATHE
from arqonbus.telemetry.sdk_spans import CachedResource, Readable, encoder
from arqonbus.telemetry.span_table import ATTRIBUTES, EVENT, SPANS
from arqonbus.telemetry.tracer import Span

READABLE = Readable(
    ConsoleSpanExporter(), CachedResource(Resource({"service.name": "bus", "n": 7}, "https://r")), "1.0"
)
ENCODE = encoder(READABLE)

TRACE_IDS = st.integers(1, 2**128 - 1)
SPAN_IDS = st.integers(1, 2**64 - 1)
TIMES = st.integers(1, 2**63)
TEXTS = st.text(max_size=300)
VALUES = st.one_of(TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1))
SPAN = st.builds(
    Span,
    row=st.sampled_from(SPANS),
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
    parent_id=st.one_of(st.just(0), SPAN_IDS),
    started_ns=TIMES,
    ended_ns=TIMES,
    attributes=st.dictionaries(st.one_of(st.sampled_from(sorted(ATTRIBUTES)), st.text(min_size=1)), VALUES),
    error=st.one_of(st.none(), TEXTS.filter(bool)),
    links=st.lists(st.builds(TraceContext, TRACE_IDS, SPAN_IDS), max_size=3),
    is_parent_remote=st.booleans(),
    name=st.one_of(st.just(""), TEXTS),
)


def by_the_sdk(spans: list[Span]) -> Any:
    return encode_spans([READABLE.made(span) for span in spans])


@settings(max_examples=300, deadline=None)
@given(st.lists(SPAN, min_size=1, max_size=4))
def test_any_spans_are_encoded_as_the_sdk_does(spans: list[Span]) -> None:
    spans = [span if span.parent_id else _rooted(span) for span in spans]

    assert ENCODE(spans) == by_the_sdk(spans).SerializeToString()
    assert ExportTraceServiceRequest.FromString(ENCODE(spans)) == by_the_sdk(spans)


def _rooted(span: Span) -> Span:
    """A span without a parent has none of another process."""
    return Span(
        span.row, span.trace_id, span.span_id, 0, span.started_ns, span.ended_ns, span.attributes, span.error,
        span.links, False, span.name,
    )  # fmt: skip


@pytest.mark.parametrize("row", SPANS, ids=lambda row: f"{row.kind} {row.name}")
def test_each_row_of_the_table_is_encoded_as_the_sdk_does(row: Any) -> None:
    attributes: dict[str, str | int | bool] = {key: f"value of {key}" for key in row.always}
    spans = [Span(row, 2**128 - 1, 2**64 - 1, 5, 1, 2, attributes)]

    assert ENCODE(spans) == by_the_sdk(spans).SerializeToString()


def test_a_batch_of_many_is_one_request() -> None:
    spans = [Span(EVENT.publish, 1, number, 0, 1, 2, {"arqonbus.seq": number}) for number in range(1, BREATHE * 3)]

    assert ENCODE(spans) == by_the_sdk(spans).SerializeToString()


def test_true_is_no_number() -> None:
    spans = [Span(EVENT.publish, 1, 2, 0, 1, 2, {"arqonbus.seq": value}) for value in (1, True, 0, False, "1", "True")]

    assert ENCODE(spans) == by_the_sdk(spans).SerializeToString()

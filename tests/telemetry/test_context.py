"""Reading and writing traceparent, compared with the SDK's own propagator."""

import random

import msgspec
import pytest
from msgspec import UNSET, Raw
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from arqonbus.telemetry.context import TraceContext, format_parent, parse, parse_raw, parse_sampled

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"

GOOD = [f"00-{TRACE}-{SPAN}-{flags}" for flags in ("00", "01", "02", "03", "ff")]
BAD = [
    "",
    f"00-{TRACE}-{SPAN}",
    f"00-{TRACE}-{SPAN}-1",
    f"00-{TRACE}-{SPAN}-01-extra",
    f"ff-{TRACE}-{SPAN}-01",
    f"00-{TRACE.upper()}-{SPAN}-01",
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE[:-1]}g-{SPAN}-01",
    f"00_{TRACE}_{SPAN}_01",
    f"00-{TRACE}-{SPAN}-01é",
]


def raw(text: str) -> Raw:
    return Raw(msgspec.json.encode(text))


def by_the_sdk(text: str) -> TraceContext | None:
    context = TraceContextTextMapPropagator().extract({"traceparent": text})
    span = get_current_span(context).get_span_context()
    return TraceContext(span.trace_id, span.span_id, int(span.trace_flags)) if span.is_valid else None


@pytest.mark.parametrize("text", GOOD)
def test_a_valid_traceparent_is_read_as_the_sdk_reads_it(text: str) -> None:
    assert parse(text) == by_the_sdk(text)
    assert parse(text) is not None


@pytest.mark.parametrize("text", BAD)
def test_an_invalid_traceparent_is_none_for_the_sdk_and_us(text: str) -> None:
    assert by_the_sdk(text) is None
    assert parse(text) is None
    assert parse_sampled(raw(text)) is None


@pytest.mark.parametrize("text", [f"01-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01\n", f" 00-{TRACE}-{SPAN}-01"])
def test_later_versions_and_white_space_are_refused_though_the_sdk_takes_them(text: str) -> None:
    assert by_the_sdk(text) is not None
    assert parse(text) is None


def test_what_is_written_is_read_again() -> None:
    for _ in range(100):
        trace_id, span_id = random.getrandbits(128) or 1, random.getrandbits(64) or 1

        assert parse(format_parent(trace_id, span_id)) == TraceContext(trace_id, span_id, 1)


@pytest.mark.parametrize(("flags", "is_sampled"), [("00", False), ("01", True), ("02", False), ("03", True)])
def test_flags_are_bits(flags: str, is_sampled: bool) -> None:
    text = f"00-{TRACE}-{SPAN}-{flags}"

    context = parse(text)
    assert context is not None and context.is_sampled is is_sampled
    assert (parse_sampled(raw(text)) is not None) is is_sampled


def test_a_field_that_is_absent_or_no_text_is_none() -> None:
    assert parse_sampled(UNSET) is None
    assert parse_sampled(Raw(b"7")) is None
    assert parse_sampled(Raw(b'"' + b"1" * 55 + b'"')) is None


def test_a_field_with_escapes_is_read_all_the_same() -> None:
    text = f'"\\u0030\\u0030-{TRACE}-{SPAN}-01"'

    assert parse_sampled(Raw(text.encode())) == parse(f"00-{TRACE}-{SPAN}-01")


def test_a_field_is_read_whether_sampled_or_not() -> None:
    assert parse_raw(raw(f"00-{TRACE}-{SPAN}-00")) == parse(f"00-{TRACE}-{SPAN}-00")
    assert parse_raw(raw("nonsense")) is None
    assert parse_raw(UNSET) is None

"""Which messages are traced: rates over simulated time, and the names of OpenTelemetry beside its own samplers."""

import math
import random
from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import sampling

from arqonbus.telemetry.context import TraceContext
from arqonbus.telemetry.sampler import (
    RATE_LIMITED,
    SAMPLERS,
    SOURCE_RATE,
    Bucket,
    RateLimited,
    Sampler,
    Source,
    named,
)

SENT = TraceContext(2**127 + 5, 7)


def taken(bucket_take: Callable[[float], object], per_s: int, seconds: int, start: float = 1000.0) -> list[int]:
    """Ask so many times a second; return how many were given in each second."""
    return [sum(bool(bucket_take(start + s + i / per_s)) for i in range(per_s)) for s in range(seconds)]


@pytest.mark.proves("007/FR-007")
@pytest.mark.parametrize("per_s", [5, 20, 49])
def test_below_the_rate_every_message_is_traced(per_s: int) -> None:
    assert taken(RateLimited(50).root, per_s, 5) == [per_s] * 5


@pytest.mark.proves("007/FR-007")
@pytest.mark.parametrize("per_s", [100, 1000, 20_000])
def test_above_the_rate_so_many_a_second_are_traced_whatever_the_load(per_s: int) -> None:
    first, *rest = taken(RateLimited(50).root, per_s, 5)

    assert first in (59, 60)  # the burst of a fifth beside
    assert all(count in (50, 51) for count in rest)


def test_a_bucket_that_was_left_alone_gives_its_burst_and_no_more() -> None:
    bucket = Bucket(10, 5)
    assert [bucket.take(0.0) for _ in range(7)] == [True] * 5 + [False] * 2

    assert [bucket.take(1000.0) for _ in range(7)] == [True] * 5 + [False] * 2


def test_a_rate_of_0_gives_nothing() -> None:
    assert not Bucket(0, 10).take(1e9)
    assert RateLimited(0).root(1e9) == 0


def test_a_burst_below_1_gives_one_at_a_time() -> None:
    bucket = Bucket(2, 0.4)

    assert [bucket.take(now) for now in (0.0, 0.1, 0.5, 0.6, 1.0)] == [True, False, True, False, True]


def test_a_client_that_marks_every_message_is_bounded() -> None:
    sampler, source = RateLimited(50), Source()

    counts = taken(lambda now: sampler.remote(SENT, source, now), 1000, 4)

    assert counts[0] == pytest.approx(2 * SOURCE_RATE, abs=1)
    assert counts[1:] == pytest.approx([SOURCE_RATE] * 3, abs=1)


def test_all_clients_together_are_bounded_by_four_times_the_rate() -> None:
    sampler, sources = RateLimited(10), [Source() for _ in range(100)]

    counts = [
        sum(sampler.remote(SENT, source, 1000 + s + i / 50) for i in range(50) for source in sources) for s in range(4)
    ]

    assert counts[0] <= 49
    assert counts[1:] == pytest.approx([40] * 3, abs=1)


def test_the_ids_of_new_traces_are_random_and_never_0() -> None:
    assert RateLimited(1000, bits=lambda n: 0).root(0.0) == 1
    ids = {RateLimited(1).root(0.0) for _ in range(100)}
    assert len(ids) == 100
    assert all(0 < one < 2**128 for one in ids)


SDK = {
    "always_on": sampling.ALWAYS_ON,
    "always_off": sampling.ALWAYS_OFF,
    "traceidratio": sampling.TraceIdRatioBased(0.25),
    "parentbased_always_on": sampling.DEFAULT_ON,
    "parentbased_always_off": sampling.DEFAULT_OFF,
    "parentbased_traceidratio": sampling.ParentBasedTraceIdRatio(0.25),
}


def asked(sampler: sampling.Sampler, trace_id: int, parent: TraceContext | None) -> bool:
    """Ask a sampler of the SDK."""
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    context = Context()
    if parent is not None:
        span = SpanContext(parent.trace_id, parent.span_id, True, TraceFlags(parent.flags))
        context = set_span_in_context(NonRecordingSpan(span), context)
    return bool(sampler.should_sample(context, trace_id, "publish").decision.is_sampled())


def test_every_name_of_the_specification_is_known() -> None:
    assert set(SAMPLERS) == set(SDK)


@pytest.mark.parametrize("name", SDK)
def test_a_sampler_of_a_standard_name_decides_as_the_sdks(name: str) -> None:
    chosen = random.Random(1)
    ids = [chosen.getrandbits(128) or 1 for _ in range(500)]
    next_id = iter(ids)
    sampler = named(name, "0.25", 50)
    assert sampler is not None
    sampler = _with_ids(name, lambda _: next(next_id)) if name.endswith(("ratio", "on")) else sampler

    roots = [bool(sampler.root(0.0)) for _ in ids]
    remotes = [sampler.remote(TraceContext(one, 1), Source(), 0.0) for one in ids]

    assert roots == [asked(SDK[name], one, None) for one in ids]
    assert remotes == [asked(SDK[name], one, TraceContext(one, 1)) for one in ids]


def _with_ids(name: str, bits: Callable[[int], int]) -> Sampler:
    from arqonbus.telemetry.sampler import AlwaysOn, ParentBased, Ratio

    inner: Sampler = AlwaysOn(bits) if name.endswith("on") else Ratio(0.25, bits)
    return ParentBased(inner) if name.startswith("parentbased") else inner


def test_the_default_is_rate_limited_by_the_setting_or_the_argument() -> None:
    for name, argument, rate in (("", "", 7), (RATE_LIMITED, "", 7), (RATE_LIMITED, "3", 3)):
        sampler = named(name, argument, 7)

        assert isinstance(sampler, RateLimited)
        assert taken(sampler.root, 1000, 2)[1] in (rate, rate + 1)


@pytest.mark.parametrize(
    ("name", "argument"), [(RATE_LIMITED, "-1"), (RATE_LIMITED, "inf"), (RATE_LIMITED, "x"), ("traceidratio", "1.5")]
)
def test_an_argument_that_makes_no_sense_is_an_error(name: str, argument: str) -> None:
    with pytest.raises(ValueError, match=r"expected|could not"):
        named(name, argument, 50)


def test_another_name_is_not_ours() -> None:
    assert named("jaeger_remote", "", 50) is None


def test_a_ratio_of_1_traces_all() -> None:
    sampler = named("traceidratio", "", 50)

    assert sampler is not None
    assert all(sampler.root(0.0) for _ in range(100))
    assert math.isinf(Bucket(0, 1).opens_at)

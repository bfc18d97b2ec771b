"""The histogram is true to less than 1 %, for any times."""

import random

import pytest

from arqonbus.cli.bench.latencies import Latencies


def counted(times_ns: list[int]) -> Latencies:
    latencies = Latencies()
    for ns in times_ns:
        latencies.add(ns)
    return latencies


@pytest.mark.proves("011/SC-004")
@pytest.mark.parametrize("seed", range(5))
def test_quantiles_are_true_to_less_than_one_percent(seed: int) -> None:
    chance = random.Random(seed)
    times = sorted(int(chance.lognormvariate(14, 2.5)) for _ in range(5_000))
    latencies = counted(times)

    for part in (0.5, 0.9, 0.99, 0.999):
        exact_ms = times[max(0, round(part * len(times)) - 1)] / 1e6
        assert latencies.quantile(part) == pytest.approx(exact_ms, rel=0.01)
    assert latencies.quantile(1) == pytest.approx(times[-1] / 1e6, rel=0.01)


def test_the_highest_and_the_mean_are_exact() -> None:
    summary = counted([1_000_000, 2_000_000, 9_123_456]).summary()

    assert list(summary) == ["p50", "p90", "p99", "p99.9", "max", "mean"]
    assert summary["max"] == 9.1235
    assert summary["mean"] == 4.0412


@pytest.mark.parametrize("ns", [1_000_003, 1_007_801, 5])
def test_no_quantile_is_outside_of_what_was_counted(ns: int) -> None:
    latencies = counted([ns] * 3)

    assert latencies.quantile(0.5) == ns / 1e6
    assert latencies.lowest_ns == ns


def test_nothing_counted_is_zero() -> None:
    assert set(Latencies().summary().values()) == {0.0}


def test_a_time_before_its_beginning_counts_as_none() -> None:
    assert counted([-5]).summary()["max"] == 0.0


def test_small_times_are_exact() -> None:
    assert counted([7]).rows() == [(7, 1)]


def test_two_histograms_add_up() -> None:
    one, other = counted([10, 1_000_000]), counted([10, 2_000_000_000])

    one.merge(other)

    assert one.rows()[0] == (10, 2)
    assert (one.n, one.lowest_ns, one.highest_ns, one.total_ns) == (4, 10, 2_000_000_000, 2_001_000_020)


def test_a_histogram_comes_back_from_its_rows() -> None:
    first = counted([random.Random(7).randrange(10**10) for _ in range(500)])

    again = Latencies.of(first.rows(), first.total_ns, first.highest_ns)

    assert (again.rows(), again.n, again.summary()) == (first.rows(), first.n, first.summary())

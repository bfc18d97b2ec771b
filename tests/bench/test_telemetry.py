"""The arithmetic of the telemetry benchmark; the measurement itself runs only when asked for."""

import pytest

from tests.bench.telemetry import (
    BUSY_TICK,
    MEMBERS,
    QUIET_TICK,
    SPANS_A_MESSAGE,
    Figure,
    best,
    decisions,
    lateness,
    message,
    p99,
    publish_path,
    table,
)
from tests.telemetry.stage import Stage
from tests.telemetry.test_command_spans import begun


def test_a_figure_without_a_bar_is_always_reached() -> None:
    assert Figure("a", 9.0, "us", None).is_reached
    assert Figure("a", 9.0, "us", 9.0).is_reached
    assert not Figure("a", 9.1, "us", 9.0).is_reached


def test_the_best_of_the_rounds_counts() -> None:
    rounds = [[Figure("a", 3.0, "us", 1.0)], [Figure("a", 0.5, "us", 1.0)], [Figure("a", 2.0, "us", 1.0)]]

    assert best(rounds) == [Figure("a", 0.5, "us", 1.0)]


def test_the_table_says_what_is_missed() -> None:
    text = table([Figure("good", 0.5, "us", 1.0), Figure("bad", 2.0, "us", 1.0), Figure("plain", 2.0, "ms", None)])

    assert [line.split()[-1] for line in text.splitlines()] == ["ok", "MISSED", "ms"]


def test_the_percentile_of_few_is_the_last() -> None:
    assert p99([3.0, 1.0, 2.0]) == 3.0
    assert p99([float(number) for number in range(200)]) == 198.0


def test_a_message_of_the_benchmark_has_as_many_spans_as_it_counts() -> None:
    stage = Stage()

    message(stage.tracer, begun(stage))

    assert len(stage.spans) == SPANS_A_MESSAGE == 3 + MEMBERS


@pytest.mark.proves("007/SC-002")
def test_a_message_that_is_not_traced_costs_next_to_nothing() -> None:
    """The bar itself is judged by the benchmark; here ten times of it, so that a busy machine fails nobody."""
    cheapest = best([list(decisions(5_000)) for _ in range(3)])

    assert [figure.bar for figure in cheapest] == [0.5] * 3
    assert all(figure.value < 5.0 for figure in cheapest)


def test_the_path_of_a_publish_is_measured_with_and_without_a_tracer() -> None:
    off, more, ratio = publish_path(20, rounds=2)

    assert off.value > 0 and ratio.bar == 1.03 and more.bar == 0.5


def test_the_loop_is_later_by_the_best_round_with_spans_beside_the_best_one_without() -> None:
    figures = [
        Figure(f"{name}, {protocol}", value, "ms late", None)
        for protocol, quiet, busy in (("http", 2.0, 2.5), ("grpc", 2.0, 4.0))
        for name, value in ((QUIET_TICK, quiet), (BUSY_TICK, busy))
    ]

    found = list(lateness(figures))

    assert [(one.name, one.value, one.is_reached) for one in found] == [
        (f"{BUSY_TICK}, http: later", 0.5, True),
        (f"{BUSY_TICK}, grpc: later", 2.0, False),
    ]

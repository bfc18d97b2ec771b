"""Numbers of /metrics are read as the server writes them."""

import pytest

from arqonbus.cli.top.exposition import quantile_between, read
from arqonbus.telemetry.meters import Meters
from arqonbus.telemetry.prometheus import render


def lag(*counts: tuple[str, int]) -> dict[str, float]:
    return {f'lag_seconds_bucket{{le="{bound}"}}': float(count) for bound, count in counts}


def test_what_the_server_writes_is_read_back() -> None:
    meters = Meters()
    meters.lag.observe(0.002)
    text = render({"arqonbus.connections": 3, "arqonbus.io": {"in": 5, "out": 7}}, meters.series())

    numbers = read(text)

    assert numbers["arqonbus_connections"] == 3
    assert numbers['arqonbus_io_bytes_total{direction="out"}'] == 7
    assert quantile_between({}, numbers, "arqonbus_loop_lag_seconds", 0.99) == 0.0025


def test_what_is_no_number_is_left_out() -> None:
    assert read("# HELP a b\na 1\nb one\nc\n\nd 1e3\n") == {"a": 1.0, "d": 1000.0}


@pytest.mark.parametrize(("part", "bound"), [(0.5, 0.1), (0.9, 1.0), (1.0, 1.0)])
def test_a_quantile_is_of_what_was_counted_in_between(part: float, bound: float) -> None:
    before = lag(("0.1", 100), ("1.0", 100), ("+Inf", 100))
    now = lag(("0.1", 105), ("1.0", 109), ("+Inf", 110))  # 5, 4 and 1 more

    assert quantile_between(before, now, "lag_seconds", part) == bound


def test_nothing_counted_has_no_quantile() -> None:
    same = lag(("0.1", 4), ("+Inf", 4))

    assert quantile_between(same, same, "lag_seconds", 0.99) is None
    assert quantile_between({}, {}, "lag_seconds", 0.99) is None

"""The delay before a dial."""

import random

import pytest

from arqonbus.client.backoff import BASE_S, CEILING_S, delay_s
from tests.client.stage import Dice


@pytest.mark.rules("R12")
@pytest.mark.parametrize(("attempt", "bound_s"), [(0, 0.5), (1, 1.0), (4, 8.0), (5, 15.0), (1000, 15.0)])
def test_the_bound_doubles_up_to_the_ceiling(attempt: int, bound_s: float) -> None:
    assert delay_s(attempt, Dice(1.0)) == bound_s


@pytest.mark.rules("R12")
def test_the_delay_is_anywhere_between_nothing_and_the_bound() -> None:
    source = random.Random(1)
    delays = sorted(delay_s(2, source) for _ in range(1000))

    assert delays[0] < 0.05 and delays[-1] > 1.95
    assert 0.9 < delays[500] < 1.1


@pytest.mark.rules("R12")
@pytest.mark.proves("009/SC-002")
def test_a_herd_does_not_come_back_at_once() -> None:
    """10,000 clients lose a server that is away for 20 s: the worst 100 ms take a small part of them."""
    source = random.Random(1)
    arrivals = []
    for _ in range(10_000):
        now, attempt = 0.0, 0
        while now < 20.0:
            now += delay_s(attempt, source)
            attempt += 1
        arrivals.append(int(now * 10))

    assert max(arrivals.count(bucket) for bucket in set(arrivals)) < 250
    assert max(arrivals) <= (20.0 + CEILING_S) * 10


def test_the_base_is_half_a_second() -> None:
    assert BASE_S == 0.5

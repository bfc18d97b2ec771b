"""The wheel against a plain list of deadlines; the pulse of a connection; the bucket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arqonbus.transport.keepalive import Beat, Bucket, Clock, Pulse, Wheel, tick_for


class Item:
    def __init__(self, name: object = None) -> None:
        self.slot = -1
        self.name = name


def test_an_item_comes_up_after_its_delay_and_not_before():
    wheel: Wheel[Item] = Wheel(0.0, tick_s=0.25, span_s=20.0)
    item = Item()
    wheel.put(item, 1.0)

    assert list(wheel.advance(0.99)) == []
    assert list(wheel.advance(1.25)) == [item]
    assert item.slot == -1
    assert list(wheel.advance(100.0)) == []


@given(st.lists(st.floats(0, 30), max_size=30), st.lists(st.floats(0.01, 5), min_size=1, max_size=30))
def test_every_item_comes_up_once_at_most_a_tick_late(delays, steps):
    wheel: Wheel[Item] = Wheel(0.0, tick_s=0.25, span_s=30.0)
    for delay in delays:
        wheel.put(Item(delay), delay)
    now, came = 0.0, []

    for step in [*steps, 60.0]:
        before, now = now, now + step
        for item in wheel.advance(now):
            came.append(item.name)
            assert before - 0.26 <= item.name <= now

    assert sorted(came) == sorted(delays)


def test_an_item_waits_in_one_place_only():
    wheel: Wheel[Item] = Wheel(0.0, tick_s=0.25, span_s=20.0)
    item = Item()
    wheel.put(item, 1.0)
    wheel.put(item, 5.0)

    assert list(wheel.advance(4.9)) == []
    assert list(wheel.advance(5.5)) == [item]


def test_a_removed_item_does_not_come_up():
    wheel: Wheel[Item] = Wheel(0.0, tick_s=0.25, span_s=20.0)
    item = Item()
    wheel.put(item, 1.0)
    wheel.remove(item)
    wheel.remove(item)

    assert list(wheel.advance(5.0)) == []


def test_an_item_put_in_again_while_being_handled_comes_up_again_later():
    wheel: Wheel[Item] = Wheel(0.0, tick_s=0.25, span_s=2.0)
    item = Item()
    wheel.put(item, 1.0)

    for due in wheel.advance(1.5):
        wheel.put(due, 2.0)

    assert list(wheel.advance(3.0)) == []
    assert list(wheel.advance(4.0)) == [item]


def test_after_a_long_sleep_everybody_comes_up_once():
    wheel: Wheel[Item] = Wheel(0.0, tick_s=0.25, span_s=2.0)
    items = [Item() for _ in range(8)]
    for n, item in enumerate(items):
        wheel.put(item, n * 0.25)

    assert sorted(map(id, wheel.advance(3600.0))) == sorted(map(id, items))


def test_a_delay_longer_than_the_circle_comes_up_early():
    wheel: Wheel[Item] = Wheel(0.0, tick_s=0.25, span_s=2.0)
    item = Item()
    wheel.put(item, 100.0)

    assert list(wheel.advance(3.0)) == [item]


@pytest.mark.parametrize(("delays", "tick"), [((5.0, 1.0, 20.0), 0.25), ((0.2, 9.0), 0.05), ((0.001,), 0.02)])
def test_the_tick_follows_the_shortest_delay(delays, tick):
    assert tick_for(*delays) == tick


def test_a_clock_is_what_it_was_set_to():
    clock = Clock(3.0)
    clock.now = 4.0

    assert clock.now == 4.0


NOTHING = {"heartbeat": False, "ping": False, "dead": False}


def beat(pulse: Pulse, now: float, *, is_reading: bool = True) -> Beat:
    return pulse.beat(now, 20.0, 10.0, is_reading=is_reading)


def test_a_lively_connection_needs_nothing():
    pulse = Pulse(100.0)
    pulse.heard, pulse.said = 115.0, 110.0

    assert beat(pulse, 120.0) == Beat(**NOTHING, next_s=10.0)


def test_after_silence_of_ours_a_heartbeat_is_due_and_then_counts_as_said():
    pulse = Pulse(100.0)
    pulse.heard = 119.0

    assert beat(pulse, 120.0) == Beat(heartbeat=True, ping=False, dead=False, next_s=19.0)
    assert beat(pulse, 121.0).heartbeat is False


def test_after_silence_of_the_client_one_ping_is_due():
    pulse = Pulse(100.0)
    pulse.said = 119.0

    assert beat(pulse, 120.0) == Beat(heartbeat=False, ping=True, dead=False, next_s=10.0)
    assert beat(pulse, 125.0) == Beat(**NOTHING, next_s=5.0)


def test_a_client_that_does_not_answer_the_ping_is_dead():
    pulse = Pulse(100.0)
    beat(pulse, 120.0)

    assert beat(pulse, 129.9).dead is False
    assert beat(pulse, 130.0).dead is True


def test_any_byte_after_the_ping_is_life_even_in_the_same_tick():
    pulse = Pulse(100.0)
    beat(pulse, 120.0)
    pulse.heard = 120.0

    assert beat(pulse, 130.0).dead is False
    assert beat(pulse, 140.0).ping is True


def test_a_client_that_is_not_read_is_neither_asked_nor_dead():
    pulse = Pulse(100.0)
    beat(pulse, 120.0)

    assert beat(pulse, 200.0, is_reading=False)[1:3] == (False, False)
    assert beat(pulse, 210.0).ping is False
    assert beat(pulse, 220.0).ping is True


def test_a_bucket_gives_its_burst_and_then_its_rate():
    bucket = Bucket(0.0, burst=3)

    assert [bucket.take(0.0, 2.0, 3) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(0.5, 2.0, 3) for _ in range(2)] == [True, False]


def test_a_bucket_never_holds_more_than_its_burst():
    bucket = Bucket(0.0, burst=2)

    assert [bucket.take(1000.0, 2.0, 2) for _ in range(3)] == [True, True, False]

"""A sender keeps its schedule, and says whose fault it is when it does not. On a clock moved by hand."""

from collections.abc import Awaitable, Callable

import pytest

from arqonbus.cli.bench.plan import Part
from arqonbus.cli.bench.sender import OVERTIME_S, Sender
from arqonbus.client import NotConnected
from tests.cli.bench.test_plan import plan

MS = 1_000_000
SECOND = 1_000 * MS


class Clock:
    def __init__(self) -> None:
        self.now = 0
        self.late_ns = 0

    def now_ns(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += round(seconds * SECOND) + (self.late_ns if seconds else 0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sender(clock: Clock, send: Callable[[int, int], Awaitable[bool]], part: Part | None = None) -> Sender:
    run = plan(rate=10.0, duration_s=1.0, warmup_s=0.0)
    return Sender(run, part or Part((), sends=True), send, now_ns=clock.now_ns, sleep=clock.sleep)


async def test_each_message_is_sent_when_it_is_due(clock: Clock) -> None:
    sent: list[tuple[int, int, int]] = []

    async def send(n: int, due: int) -> bool:
        sent.append((n, due, clock.now))
        return False

    one = sender(clock, send)
    await one.run(SECOND)

    assert sent == [(n, SECOND + n * 100 * MS, SECOND + n * 100 * MS) for n in range(10)]
    assert (one.sent, one.unsent, one.refused, one.blocked_ns, one.lag.highest_ns) == (10, 0, 0, 0, 0)
    assert one.took_ns == 900 * MS


async def test_a_part_sends_its_own_messages_only(clock: Clock) -> None:
    sent = []

    async def send(n: int, due: int) -> bool:
        sent.append(n)
        return False

    one = sender(clock, send, Part((), sends=True, first=1, step=4))
    await one.run(0)

    assert sent == [1, 5, 9]
    assert one.unsent == 0


async def test_lateness_of_its_own_is_counted(clock: Clock) -> None:
    clock.late_ns = 3 * MS

    async def send(n: int, due: int) -> bool:
        return False

    one = sender(clock, send)
    await one.run(SECOND)

    assert one.lag.summary()["p50"] == pytest.approx(3, rel=0.01)
    assert one.blocked_ns == 0


async def test_what_the_bus_held_up_is_not_its_own_lateness_but_stays_in_the_schedule(clock: Clock) -> None:
    dues = []

    async def send(n: int, due: int) -> bool:
        dues.append(due)
        if n == 2:
            clock.now += 550 * MS  # the socket had no room
        return n == 2

    one = sender(clock, send)
    await one.run(0)

    assert dues == [n * 100 * MS for n in range(10)]
    assert one.blocked_ns == 550 * MS
    assert one.lag.highest_ns == 0


async def test_what_was_not_sent_soon_after_the_end_is_given_up(clock: Clock) -> None:
    async def send(n: int, due: int) -> bool:
        clock.now += round(OVERTIME_S * SECOND)
        return True

    one = sender(clock, send)
    await one.run(0)

    assert (one.sent, one.unsent) == (3, 7)


async def test_what_the_bus_refuses_is_counted_and_the_next_is_sent(clock: Clock) -> None:
    async def send(n: int, due: int) -> bool:
        if n % 2:
            raise NotConnected("away")
        return False

    one = sender(clock, send)
    await one.run(0)

    assert (one.sent, one.refused, one.unsent) == (5, 5, 0)

"""Sender: sends what is due when it is due, and keeps book of its own faults.

Late by its own fault is what it sends after the intended time, unless the bus had held it up until then: a sender that
waits for room in its socket is a bus that cannot take more, and no fault of the generator.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic_ns
from typing import Final

from arqonbus.cli.bench.latencies import Latencies
from arqonbus.cli.bench.plan import Part, Plan
from arqonbus.client import ClientError

__all__ = ["OVERTIME_S", "Sender"]

OVERTIME_S: Final = 1.0
"""Seconds after the end of the plan in which what is late may still be sent."""

BREATH: Final = 32
"""Messages that a sender who is late sends before everybody else has a turn."""

SKIPPED_NS: Final = 1_000
"""Shorter sleeps are none: setting a timer takes longer."""


class Sender:
    """Sends the messages of one part.

    Args:
        plan: of the run
        part: whose messages
        send: given the number of a message and its intended time in ns; True: it had to wait for the bus
        now_ns: of the clock that intended times are of
        sleep: for seconds
    """

    def __init__(
        self,
        plan: Plan,
        part: Part,
        send: Callable[[int, int], Awaitable[bool]],
        *,
        now_ns: Callable[[], int] = monotonic_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._plan = plan
        self._numbers = range(part.first, plan.n_messages, part.step)
        self._send = send
        self._now_ns = now_ns
        self._sleep = sleep
        self.sent = 0
        self.refused = 0
        self.blocked_ns = 0
        self.took_ns = 0  # from the start to the last message
        self.lag = Latencies()

    @property
    def unsent(self) -> int:
        """How many it did not get around to."""
        return len(self._numbers) - self.sent - self.refused

    async def run(self, start_ns: int) -> None:
        """Send everything, from this moment of the monotonic clock on; give up `OVERTIME_S` after the end."""
        plan, now_ns, held_up_until = self._plan, self._now_ns, 0
        give_up_ns = plan.due_ns(plan.n_messages, start_ns) + round(OVERTIME_S * 1e9)
        measured_from = plan.measured_from_ns(start_ns)
        for position, n in enumerate(self._numbers):
            due = plan.due_ns(n, start_ns)
            while (left := due - now_ns()) > SKIPPED_NS:
                await self._sleep(left / 1e9)
            now = now_ns()
            if now > give_up_ns:
                return
            if due >= measured_from:
                self.lag.add(now - max(due, held_up_until))
            was_held_up = False
            try:
                was_held_up = await self._send(n, due)
                self.sent += 1
            except ClientError:
                self.refused += 1
            after = now_ns()
            self.took_ns = after - start_ns
            if was_held_up:
                self.blocked_ns += after - now
                held_up_until = after
            if position % BREATH == 0:
                await self._sleep(0)

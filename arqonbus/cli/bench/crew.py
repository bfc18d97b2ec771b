"""Crew: the clients of one process. Connects them, has them read, send or ask, and counts what came.

    prepare ──▶ all connected and joined
    send    ──▶ what was due was sent; where each channel ends
    finish  ──▶ everything has come, or will not come any more: the outcome

Times are of the monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from time import monotonic_ns
from typing import Final

from msgspec import Struct

from arqonbus.cli.bench.latencies import Latencies
from arqonbus.cli.bench.outcome import Outcome, Times
from arqonbus.cli.bench.plan import Part, Plan
from arqonbus.cli.bench.sender import Sender
from arqonbus.cli.bench.tally import Tally
from arqonbus.client import Bus, ClientError, Message, Subscription, connect

__all__ = ["Crew"]

QUIET_S: Final = 2.0
"""Longer than a garbage collection, or the pause of a busy machine."""

ANSWER_S: Final = 5.0
"""So long somebody who asks waits."""

AT_ONCE: Final = 50
"""Clients that connect at the same time; more of them only wait for each other."""

QUEUE: Final = 65_536
"""Messages that may wait for one reader: bursts are to be measured, not lost."""


OUTBOX: Final = 4_096
"""Messages that may wait to be sent: as many as one turn of the loop may make."""


class Shot(Struct, array_like=True):
    """The payload of a message."""

    due_ns: int
    fill: str


class Crew:
    """The clients of one process. Used once, in the order of its methods; ends with its `async with`."""

    def __init__(self, plan: Plan, part: Part) -> None:
        self._plan = plan
        self._part = part
        self._stack = AsyncExitStack()
        self._writers: list[tuple[Bus, str]] = []  # with the channel
        self._handles: dict[int, Subscription[Shot]] = {}
        self._tallies: dict[int, Tally] = {}
        self._reading: list[asyncio.Task[None]] = []
        self._asked: set[asyncio.Task[None]] = set()
        self._latency = Latencies()
        self._received = self._measured = self._duplicates = self._unanswered = 0
        self._measured_from = 0
        self._came_at = time.monotonic()
        self._fill = "x" * max(0, plan.size - len(f'[{monotonic_ns()},""]'))
        self._sender: Sender | None = None
        self._began = (0.0, 0.0)  # CPU seconds, seconds
        self._cpu = 0.0  # cores used meanwhile

    async def __aenter__(self) -> Crew:
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in (*self._reading, *self._asked):
            task.cancel()
        await asyncio.gather(*self._reading, *self._asked, return_exceptions=True)
        await self._stack.aclose()

    # --- before -----------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Connect and join. Raises ClientError."""
        if self._part.serves:
            await self._serve()
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._client(number, gate) for number in self._part.readers))
        if self._part.sends and self._plan.shape == "fanout":
            bus = await self._connected()
            self._writers = [(bus, self._address(0))]
        self._writers.sort(key=lambda writer: writer[1])

    async def _client(self, number: int, gate: asyncio.Semaphore) -> None:
        async with gate:
            bus, address = await self._connected(), self._address(number)
            if self._plan.shape != "requests":
                handle = bus.subscribe(address, type=Shot, queue=QUEUE, queue_bytes=QUEUE * (self._plan.size + 512))
                self._handles[number] = await handle.open()
            if self._plan.shape != "fanout":
                self._writers.append((bus, address))

    async def _connected(self) -> Bus:
        plan = self._plan
        bus = connect(
            plan.url,
            token=plan.token,
            profile={"client_type": "arqonbus-bench"},
            open_timeout_s=plan.connect_s,
            outbox_messages=OUTBOX,
        )
        return await self._stack.enter_async_context(bus)

    def _address(self, number: int) -> str:
        return f"{self._plan.room}:{f'c{number:06}' if self._plan.shape == 'pairs' else 'all'}"

    async def _serve(self) -> None:
        async def answer(request: Message[object]) -> object:
            return request.data

        bus = await self._connected()
        serving = bus.serve(self._address(0), answer, concurrency=1024, queue=QUEUE)
        self._reading.append(asyncio.create_task(serving))
        async with bus.presence(self._address(0)) as here:  # whoever asks finds it there
            while bus.client not in here.members:
                await here.get()

    # --- meanwhile --------------------------------------------------------------------------------------------------

    async def send(self, start_ns: int) -> dict[str, int]:
        """Send what is due from `start_ns` on, and read. Gives the last seq of each channel that it sent to."""
        self._measured_from = self._plan.measured_from_ns(start_ns)
        self._began = (time.process_time(), time.monotonic())
        for number, handle in self._handles.items():
            position = handle.position
            tally = self._tallies[number] = Tally(position.seq if position is not None else 0)
            self._reading.append(asyncio.create_task(self._read(handle, tally)))
        if not self._part.sends:
            return {}
        self._sender = Sender(self._plan, self._part, self._ask if self._plan.shape == "requests" else self._publish)
        await self._sender.run(start_ns)
        return await self._ends()

    async def _publish(self, n: int, due_ns: int) -> None:
        bus, address = self._writers[n // self._part.step % len(self._writers)]
        await bus.publish(address, Shot(due_ns, self._fill), when_offline="reject")

    async def _ask(self, n: int, due_ns: int) -> None:
        bus, address = self._writers[n // self._part.step % len(self._writers)]
        task = asyncio.create_task(self._answered(bus, address, due_ns))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def _answered(self, bus: Bus, address: str, due_ns: int) -> None:
        try:
            await bus.request(address, Shot(due_ns, self._fill), timeout_s=ANSWER_S, when_offline="reject")
        except ClientError:
            self._unanswered += 1
        else:
            self._came(due_ns)

    async def _read(self, handle: Subscription[Shot], tally: Tally) -> None:
        async for message in handle:
            if message.data.due_ns:  # else it only marks the end
                tally.take(message.seq)
                self._came(message.data.due_ns)

    def _came(self, due_ns: int) -> None:
        now = monotonic_ns()
        self._came_at = now / 1e9
        self._received += 1
        if due_ns >= self._measured_from:
            self._measured += 1
            self._latency.add(now - due_ns)

    async def _ends(self) -> dict[str, int]:
        """Say where each channel ends: before the place of one more event, behind all that were sent."""
        if self._plan.shape == "requests":
            return {}
        ends = {}
        for bus, address in self._writers:
            ack = await bus.publish(address, Shot(0, ""), ack=True)
            ends[address] = ack.seq - 1
        return ends

    # --- after ------------------------------------------------------------------------------------------------------

    async def finish(self, ends: Mapping[str, int], *, quiet_s: float = QUIET_S) -> Outcome:
        """Wait for what is on its way, and count.

        Args:
            ends: the last seq of each channel
            quiet_s: so long nothing comes before what is missing counts as lost
        """
        cpu_s, at = self._began
        self._cpu = (time.process_time() - cpu_s) / max(1e-9, time.monotonic() - at)
        while not self._has_all(ends) and time.monotonic() - self._came_at < quiet_s:  # noqa: ASYNC110 - an event would cost each message
            await asyncio.sleep(0.01)
        while self._asked:
            await asyncio.wait(self._asked)
        return self._outcome(ends)

    def _has_all(self, ends: Mapping[str, int]) -> bool:
        return all(tally.has_all(ends[self._address(number)]) for number, tally in self._tallies.items())

    def _outcome(self, ends: Mapping[str, int]) -> Outcome:
        sender, tallies = self._sender, self._tallies
        received = sum(tally.received for tally in tallies.values())
        lost = sum(tally.lost(ends[self._address(number)]) for number, tally in tallies.items())
        if self._plan.shape == "requests":
            received, lost = self._received, self._unanswered
        return Outcome(
            sent=sender.sent if sender is not None else 0,
            unsent=sender.unsent if sender is not None else 0,
            refused=sender.refused if sender is not None else 0,
            expected=received + lost,
            received=received,
            measured=self._measured,
            lost=lost,
            duplicates=sum(tally.duplicates for tally in tallies.values()),
            reordered=sum(tally.reordered for tally in tallies.values()),
            told=sum(handle.stats.missed for handle in self._handles.values()),
            took_s=sender.took_ns / 1e9 if sender is not None else 0.0,
            blocked_ms=sender.blocked_ns / 1e6 if sender is not None else 0.0,
            latency=Times.of(self._latency),
            lag=Times.of(sender.lag if sender is not None else Latencies()),
            cpu=(self._cpu,),
        )

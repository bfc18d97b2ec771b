"""Crew: the clients of one process. Connects them, has them read, send or ask, and counts what came.

    prepare ──▶ all connected and joined
    send    ──▶ what was due was sent; where each channel ends
    finish  ──▶ everything has come, or will not come any more: the outcome

Times are of the monotonic clock, which all processes of a machine share. Events go by `link`; requests go by the SDK,
since they are its own: what is measured of them has both in it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from time import monotonic_ns
from typing import Any, Final

import msgspec

from arqonbus.cli.bench.latencies import Latencies
from arqonbus.cli.bench.link import Link, Round
from arqonbus.cli.bench.outcome import Outcome, Times
from arqonbus.cli.bench.plan import Part, Plan
from arqonbus.cli.bench.sender import Sender
from arqonbus.cli.bench.tally import Tally
from arqonbus.client import Bus, ClientError, Message, connect

__all__ = ["Crew"]

QUIET_S: Final = 2.0
"""Longer than a garbage collection, or the pause of a busy machine."""

ANSWER_S: Final = 5.0
"""So long somebody who asks waits."""

AT_ONCE: Final = 50
"""Clients that connect at the same time; more of them only wait for each other."""

OUTBOX: Final = 4_096
"""Requests that may wait to be sent: as many as one turn of the loop may make."""


class Crew:
    """The clients of one process. Used once, in the order of its methods; ends with its `async with`."""

    def __init__(self, plan: Plan, part: Part) -> None:
        self._plan = plan
        self._part = part
        self._stack = AsyncExitStack()
        self._round = Round()
        self._links: list[Link] = []
        self._writers: list[tuple[str, Link]] = []  # with the channel
        self._askers: list[Bus] = []
        self._tallies: dict[int, Tally] = {}
        self._serving: asyncio.Task[None] | None = None
        self._asked: set[asyncio.Task[None]] = set()
        self._latency = Latencies()
        self._answered = self._measured = self._unanswered = 0
        self._measured_from = 0
        self._came_ns = monotonic_ns()
        self._fill = "x" * max(0, plan.size - len(f'[{monotonic_ns()},""]'))
        self._sender: Sender | None = None
        self._began = (0.0, 0.0)  # CPU seconds, seconds
        self._cpu = 0.0  # cores used meanwhile

    async def __aenter__(self) -> Crew:
        return self

    async def __aexit__(self, *error: object) -> None:
        tasks = [*self._asked, *([] if self._serving is None else [self._serving])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for link in self._links:
            link.close()
        await self._stack.aclose()

    # --- before -----------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Connect and join. Raises ClientError."""
        if self._part.serves:
            await self._serve()
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._client(number, gate) for number in self._part.readers))
        if self._part.sends and self._plan.shape == "fanout":
            self._writers = [(self._address(0), await self._linked(lambda *_: None))]
        self._writers.sort(key=lambda writer: writer[0])

    async def _client(self, number: int, gate: asyncio.Semaphore) -> None:
        async with gate:
            if self._plan.shape == "requests":
                self._askers.append(await self._connected())
                return
            tally = self._tallies[number] = Tally(0)  # the room is of this run alone: its channels begin with 1
            link = await self._linked(partial(self._came, tally))
            address = self._address(number)
            await link.ask({"type": "command", "command": "join_channel", "args": {"room": address}})
            if self._plan.shape == "pairs":
                self._writers.append((address, link))

    async def _linked(self, on_event: Any) -> Link:
        plan = self._plan
        link = await Link.open(plan.url, plan.token, plan.connect_s, self._round, on_event)
        self._links.append(link)
        return link

    async def _connected(self) -> Bus:
        plan = self._plan
        profile = {"client_type": "arqonbus-bench"}
        bus = connect(
            plan.url, token=plan.token, profile=profile, open_timeout_s=plan.connect_s, outbox_messages=OUTBOX
        )
        return await self._stack.enter_async_context(bus)

    def _address(self, number: int) -> str:
        return f"{self._plan.room}:{f'c{number:06}' if self._plan.shape == 'pairs' else 'all'}"

    async def _serve(self) -> None:
        async def answer(request: Message[object]) -> object:
            return request.data

        bus = await self._connected()
        self._serving = asyncio.create_task(bus.serve(self._address(0), answer, concurrency=1024, queue=65_536))
        async with bus.presence(self._address(0)) as here:  # whoever asks finds it there
            while bus.client not in here.members:
                await here.get()

    # --- meanwhile --------------------------------------------------------------------------------------------------

    async def send(self, start_ns: int) -> dict[str, int]:
        """Send what is due from `start_ns` on, and read. Gives the last seq of each channel that it sent to."""
        self._measured_from = self._plan.measured_from_ns(start_ns)
        self._began = (time.process_time(), time.monotonic())
        if not self._part.sends:
            return {}
        self._sender = Sender(self._plan, self._part, self._ask if self._plan.shape == "requests" else self._publish)
        await self._sender.run(start_ns)
        return {address: await self._end_of(address, link) for address, link in self._writers}

    async def _publish(self, n: int, due_ns: int) -> bool:
        address, link = self._writers[n // self._part.step % len(self._writers)]
        return await link.send(b'{"type":"event","room":"%b","payload":[%d,"%b"]}' % (
            address.encode(), due_ns, self._fill.encode(),
        ))  # fmt: skip

    async def _ask(self, n: int, due_ns: int) -> bool:
        task = asyncio.create_task(self._request(self._askers[n // self._part.step % len(self._askers)], due_ns))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return False

    async def _request(self, bus: Bus, due_ns: int) -> None:
        payload = [due_ns, self._fill]
        try:
            await bus.request(self._address(0), payload, timeout_s=ANSWER_S, when_offline="reject")
        except ClientError:
            self._unanswered += 1
        else:
            self._answered += 1
            self._count(due_ns, monotonic_ns())

    def _came(self, tally: Tally, seq: int, due_ns: int, at_ns: int) -> None:
        if due_ns:  # else it only marks the end
            tally.take(seq)
            self._count(due_ns, at_ns)

    def _count(self, due_ns: int, at_ns: int) -> None:
        self._came_ns = at_ns
        if due_ns >= self._measured_from:
            self._measured += 1
            self._latency.add(at_ns - due_ns)

    async def _end_of(self, address: str, link: Link) -> int:
        """Say where a channel ends: before the place of one more event, behind all that were sent."""
        ack = await link.ask({"type": "event", "room": address, "payload": [0, ""], "ack": True})
        return int(msgspec.json.decode(ack)["seq"]) - 1

    # --- after ------------------------------------------------------------------------------------------------------

    async def finish(self, ends: Mapping[str, int], *, quiet_s: float = QUIET_S) -> Outcome:
        """Wait for what is on its way, and count.

        Args:
            ends: the last seq of each channel
            quiet_s: so long nothing comes before what is missing counts as lost
        """
        cpu_s, at = self._began
        self._cpu = (time.process_time() - cpu_s) / max(1e-9, time.monotonic() - at)
        while not self._has_all(ends) and monotonic_ns() - self._came_ns < quiet_s * 1e9:  # noqa: ASYNC110 - cheaper
            await asyncio.sleep(0.01)
        while self._asked:
            await asyncio.wait(self._asked)
        return self._outcome(ends)

    def _has_all(self, ends: Mapping[str, int]) -> bool:
        return all(tally.has_all(ends[self._address(number)]) for number, tally in self._tallies.items())

    def _outcome(self, ends: Mapping[str, int]) -> Outcome:
        sender, tallies = self._sender, self._tallies
        received = sum(tally.received for tally in tallies.values()) + self._answered
        lost = sum(tally.lost(ends[self._address(number)]) for number, tally in tallies.items()) + self._unanswered
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
            cut=sum(link.is_cut for link in self._links),
            took_s=sender.took_ns / 1e9 if sender is not None else 0.0,
            blocked_ms=sender.blocked_ns / 1e6 if sender is not None else 0.0,
            latency=Times.of(self._latency),
            lag=Times.of(sender.lag if sender is not None else Latencies()),
            cpu=(self._cpu,),
        )

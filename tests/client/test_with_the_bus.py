"""The SDK and the real actors of the server in virtual time: seeds decide who publishes, reads, and what breaks when.

A seed that fails runs the same way again. More of them with ARQONBUS_SDK_SEEDS.
"""

import asyncio
import os
import random
from typing import Any

import pytest

from arqonbus.client import Ack, Bus, ClientError, Gap, Message, OutcomeUnknown, Subscription
from arqonbus.config import Settings
from arqonbus.config.settings import History
from arqonbus.testing.local import LocalBus

SEEDS = int(os.environ.get("ARQONBUS_SDK_SEEDS", "40"))
N_STEPS = 80
ADDRESS = "science:explore"


class Reader:
    """One handle, and all that it gave and told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.messages: list[Message[Any]] = []
        self.gaps: list[Gap] = []
        self.handle: Subscription[Any]
        self.start = 0

    async def open(self, bus: Bus, queue: int) -> None:
        self.handle = await bus.subscribe(ADDRESS, queue=queue, on_gap=self.gaps.append).open()
        assert self.handle.position is not None
        self.start = self.handle.position.seq

    def take(self, most: int) -> None:
        while most and (message := self.handle.get_nowait()) is not None:
            self.messages.append(message)
            most -= 1

    def judge(self, top: int) -> None:
        seqs = [message.seq for message in self.messages]
        missing = [seq for gap in self.gaps for seq in range(gap.first, gap.last + 1)]
        assert seqs == sorted(set(seqs)), f"{self.name}: out of order, or twice"
        assert sorted([*seqs, *missing]) == list(range(self.start + 1, top + 1)), f"{self.name}: {seqs} {self.gaps}"
        assert sum(message.gap.missed for message in self.messages if message.gap) <= len(missing)


class Run:
    """One seed: a bus, a publisher, readers, and what breaks."""

    def __init__(self, local: LocalBus, seed: int) -> None:
        self.local = local
        self.random = random.Random(seed)
        self.calls: dict[int, asyncio.Task[Ack | None]] = {}
        self.readers: list[Reader] = []
        self.told: list[int] = []
        self.n = 0

    async def play(self) -> None:
        self.sender = await self.local.connect(outbox_messages=16).open()
        self.receiver = await self.local.connect().open()
        await self._add_reader()
        steps = [self._publish] * 8 + [self._tell] * 3 + [self._pass_time] * 4 + [self._take] * 4
        steps += [self._cut, self._silence, self._go_away, self._add_reader]
        for _ in range(N_STEPS):
            await self.random.choice(steps)()
        await self._heal()

    async def _publish(self) -> None:
        self.n += 1
        self.calls[self.n] = asyncio.create_task(self.sender.publish(ADDRESS, self.n, ack=True, timeout_s=300.0))
        if self.random.random() < 0.5:
            await self.local.settle()

    async def _tell(self) -> None:
        self.n += 1
        try:
            await asyncio.wait_for(self.sender.publish(ADDRESS, self.n, when_offline="reject"), 0.01)
        except (ClientError, TimeoutError):  # there may be no room, and no time passes by itself
            return
        self.told.append(self.n)

    async def _pass_time(self) -> None:
        await self.local.advance(self.random.choice((0.0, 0.1, 1.0, 5.0, 40.0)))

    async def _take(self) -> None:
        for reader in self.readers:
            reader.take(self.random.randint(0, 5))

    async def _cut(self) -> None:
        self.local.cut()

    async def _silence(self) -> None:
        self.local.silence()

    async def _go_away(self) -> None:
        self.local.is_reachable = False
        self.local.cut()
        await self.local.advance(self.random.choice((0.5, 3.0, 20.0, 90.0)))
        self.local.is_reachable = True

    async def _add_reader(self) -> None:
        if len(self.readers) < 4 and self.receiver.state == "connected":
            reader = Reader(f"reader {len(self.readers)}")
            opening = asyncio.create_task(reader.open(self.receiver, self.random.choice((3, 1000))))
            for _ in range(400):  # it may be on a connection that is dead and does not know
                if opening.done():
                    break
                await self.local.advance(0.2)
            await opening
            self.readers.append(reader)

    async def _heal(self) -> None:
        self.local.is_reachable = True
        await self.local.advance(400)
        last = asyncio.create_task(self.sender.publish(ADDRESS, "end", ack=True))
        await self.local.advance(1)
        ack = await last
        assert ack is not None
        page = await self.sender.history(ADDRESS, limit=1000, order="asc")
        for reader in self.readers:
            reader.take(10_000)
            reader.judge(ack.seq)
        self._judge_calls([(message.seq, message.data) for message in page.messages])

    def _judge_calls(self, kept: list[tuple[int, Any]]) -> None:
        data = [value for _, value in kept if value != "end"]
        assert data == sorted(set(data)), "the order of the calls, each once"
        by_seq = dict(kept)
        for n, call in self.calls.items():
            assert call.done(), f"{n} never came to anything"
            error = call.exception()
            assert error is None or isinstance(error, ClientError), error
            ack = None if error else call.result()
            if ack is not None and ack.seq in by_seq:
                assert by_seq[ack.seq] == n
            elif isinstance(error, ClientError) and not isinstance(error, OutcomeUnknown):
                assert n not in data, f"{n} was refused, and is there all the same"


@pytest.mark.rules("R19", "R21", "R24", "R29", "R35", "R36", "R37", "R40")
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_whatever_breaks_nothing_is_lost_in_silence(seed: int) -> None:
    limit = random.Random(~seed).choice((0, 5, 1000))
    async with LocalBus(Settings(history=History(limit=limit)), seed=seed) as local:
        await Run(local, seed).play()

"""An application on the Python SDK, behind links that are cut, delayed and stalled at random.

It sees every event once and in order, is told of every gap, and every acknowledgement is true. About 25 seconds, half
of them trouble; longer with ARQONBUS_CHAOS_S=300, other trouble with ARQONBUS_CHAOS_SEED.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from arqonbus.client import Ack, Bus, Expired, Gap, Message, OutboxFull, OutcomeUnknown, connect
from arqonbus.testing.chaos import ChaosProxy
from tests.specs.bus import Bus as Server

pytestmark = [pytest.mark.integration, pytest.mark.chaos]

SECONDS = float(os.environ.get("ARQONBUS_CHAOS_S", "12"))
SEED = int(os.environ.get("ARQONBUS_CHAOS_SEED", "1"))
EVERY_S = 0.002  # between two events of the publisher
SETTLE_S = 60.0  # for all to come back and catch up when the trouble is over: far more than a back-off takes
ADDRESS = "science:explore"
END = "end"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that speaks every second, so that a half-open link is noticed in the time of a test."""
    server = Server(tmp_path_factory.mktemp("bus"), ["server.heartbeat_s = 1.0"])
    server.start()
    yield server
    server.stop()


@dataclass
class Publisher:
    """Publishes 0, 1, 2 ... and keeps what became of each."""

    acks: dict[int, Ack] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)
    n: int = 0
    is_over: bool = False

    async def run(self, bus: Bus) -> None:
        while not self.is_over:
            try:
                ack = await bus.publish(ADDRESS, self.n, ack=True)
                assert ack is not None
                self.acks[self.n] = ack
            except (OutboxFull, Expired):
                continue  # not sent: the same number again
            except OutcomeUnknown:
                self.unknown.append(self.n)
            self.n += 1
            await asyncio.sleep(EVERY_S)

    async def wave(self, bus: Bus) -> None:
        """Publish the end, over and over: one that falls into a gap is told, but not seen."""
        while True:
            with suppress(OutboxFull, Expired, OutcomeUnknown):
                await bus.publish(ADDRESS, END, ack=True)
            await asyncio.sleep(0.5)


@dataclass
class Reader:
    """Keeps what it is given and told, up to the end."""

    name: str
    messages: list[Message[object]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    async def run(self, bus: Bus, joined: asyncio.Event, **options: object) -> None:
        async with bus.subscribe(ADDRESS, on_gap=self.gaps.append, **options) as channel:  # type: ignore[call-overload]
            joined.set()
            async for message in channel:
                self.messages.append(message)
                if message.data == END:
                    return

    def judge(self) -> None:
        seqs = [message.seq for message in self.messages]
        top = seqs[-1]
        assert seqs == sorted(set(seqs)), f"{self.name}: out of order, or twice"
        data = [message.data for message in self.messages if message.data != END]
        assert data == sorted(set(data)), f"{self.name}: {len(data) - len(set(data))} events came twice"  # type: ignore[type-var]
        missing = {seq for gap in self.gaps for seq in range(gap.first, gap.last + 1)}
        assert not missing & set(seqs), f"{self.name}: told as missing, and came all the same"
        assert missing | set(seqs) == set(range(1, top + 1)), f"{self.name}: lost in silence"
        assert [message.gap for message in self.messages if message.gap] or not self.gaps


@pytest.mark.rules("R19", "R24", "R36", "R37")
@pytest.mark.proves("009/SC-001")
async def test_an_application_sees_every_event_once_and_in_order_and_is_told_of_every_gap(server: Server) -> None:
    publisher, patient, hasty = Publisher(), Reader("patient"), Reader("hasty")
    async with (
        ChaosProxy("127.0.0.1", server.port, seed=SEED) as near,
        ChaosProxy("127.0.0.1", server.port, seed=SEED + 1) as far,
        connect(near.url, proxy=None) as sending,
        connect(far.url, proxy=None) as receiving,
    ):
        joined = asyncio.Event()
        reading = [asyncio.create_task(patient.run(receiving, joined))]
        await joined.wait()
        joined.clear()
        reading.append(asyncio.create_task(hasty.run(receiving, joined, queue=50)))
        await joined.wait()
        publishing = asyncio.create_task(publisher.run(sending))
        await asyncio.gather(near.torment(SECONDS, every_s=0.7), far.torment(SECONDS, every_s=0.7))
        publisher.is_over = True
        async with asyncio.timeout(SETTLE_S):
            await publishing
            waving = asyncio.create_task(publisher.wave(sending))
            await asyncio.gather(*reading)
            waving.cancel()
        reconnects = sending.stats().sessions + receiving.stats().sessions

    for reader in (patient, hasty):
        reader.judge()
    by_seq = {message.seq: message.data for message in patient.messages}
    for n, ack in publisher.acks.items():
        assert by_seq.get(ack.seq, n) in (n, END), f"the ack of {n} says {ack.seq}, which is {by_seq[ack.seq]}"
    assert reconnects > 2, "there was no trouble"
    assert len(publisher.acks) > SECONDS, "nothing went through"

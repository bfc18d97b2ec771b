"""Programs on the Python SDK over several nodes, and what must hold of what they got, whatever happened meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Self

from arqonbus.client import Ack, Bus, ClientError, Gap, Message, connect
from arqonbus.client.socket import DialOptions, Socket, dial
from tests.specs.bus import Bus as Node

__all__ = ["Balancer", "Reader", "Writer", "eventually"]

PATIENCE_S = 30.0


async def eventually(holds: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait until it holds."""
    try:
        async with asyncio.timeout(timeout_s):
            while not holds():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"expected in the end: {what}") from None


class Balancer:
    """Dials the nodes in turn, from one of them on, as a load balancer would give them."""

    def __init__(self, nodes: Sequence[Node], first: int) -> None:
        self._nodes = nodes
        self._next = first
        self.at = first  # number of the node of now

    async def __call__(self, _url: str, options: DialOptions) -> Socket:
        self.at, self._next = self._next % len(self._nodes), self._next + 1
        return await dial(self._nodes[self.at].url, options)


def _bus(nodes: Sequence[Node], first: int, **options: Any) -> tuple[Bus, Balancer]:
    balancer = Balancer(nodes, first)
    bus = connect(nodes[first].url, dialler=balancer, proxy=None, random=random.Random(first), **options)
    return bus, balancer


class Reader:
    """Reads a channel, over as many nodes as it takes, and notes all that it gets."""

    def __init__(self, nodes: Sequence[Node], first: int, address: str) -> None:
        self.bus, self.balancer = _bus(nodes, first, on_system=self._told)
        self.address = address
        self.got: list[tuple[str | None, int, Any]] = []  # epoch, seq, payload, in the order in which they came
        self.gaps: list[Gap] = []
        self.told: list[str] = []  # names of system events
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.bus.open()
        handle = await self.bus.subscribe(self.address, on_gap=self.gaps.append, queue=100_000).open()
        self._task = asyncio.create_task(handle.run(self._note))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.bus.close(timeout_s=0)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _note(self, message: Message[Any]) -> None:
        self.got.append((message.epoch, message.seq, message.data))

    def _told(self, name: str, *_: Any) -> None:
        self.told.append(name)

    @property
    def payloads(self) -> list[Any]:
        return [payload for _, _, payload in self.got]

    def check(self) -> None:
        """No event came twice; seqs went up without a hole, but for what was declared."""
        twice = [payload for payload, n in Counter(self.payloads).items() if n > 1]
        assert twice == [], f"came twice: {twice[:5]}"
        by_epoch: dict[str | None, list[int]] = {}
        for epoch, seq, _ in self.got:
            by_epoch.setdefault(epoch, []).append(seq)
        for epoch, seqs in by_epoch.items():
            assert seqs == sorted(seqs), f"out of order in {epoch}"
            missing = set(range(seqs[0], seqs[-1] + 1)) - set(seqs)
            owned = {seq for gap in self.gaps if gap.epoch in (epoch, None) for seq in range(gap.first, gap.last + 1)}
            assert missing <= owned, f"missing in silence in {epoch}: {sorted(missing - owned)[:5]}"

    def silently_missing(self, acks: dict[str, Ack]) -> list[str]:
        """Those of the events that were said to be in Redis which did not come, and no gap says so."""
        got = set(self.payloads)
        return [text for text, ack in acks.items() if ack.stored == "redis" and text not in got and not self._owns(ack)]

    def _owns(self, ack: Ack) -> bool:
        return any(
            not gap.exact or (gap.epoch in (ack.epoch, None) and gap.first <= ack.seq <= gap.last) for gap in self.gaps
        )


class Writer:
    """Publishes numbered events, and notes what became of each."""

    def __init__(self, nodes: Sequence[Node], first: int, address: str, name: str, **options: Any) -> None:
        self.bus, self.balancer = _bus(nodes, first, **options)
        self.address, self.name = address, name
        self.acks: dict[str, Ack] = {}
        self.failures: dict[str, ClientError] = {}
        self._n = 0
        self._waiting: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.bus.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in list(self._waiting):
            task.cancel()
        await self.bus.close(timeout_s=0)

    def publish(self) -> None:
        """Publish one event, and do not wait for what becomes of it."""
        self._n += 1
        task = asyncio.create_task(self._publish(f"{self.name}:{self._n}"))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _publish(self, text: str) -> None:
        try:
            self.acks[text] = await self.bus.publish(self.address, text, ack=True, id=text)
        except ClientError as error:
            self.failures[text] = error

    async def done(self) -> None:
        """Wait until it is known of all what became of them."""
        await eventually(lambda: not self._waiting, f"answers for {self.name}")

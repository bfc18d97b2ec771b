"""Traffic over several nodes, and what must hold of it whatever happens to Redis meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from arqonbus.storage.history import Retention
from arqonbus.storage.redis_history import RedisHistory
from arqonbus.storage.shared_log import Appended, Entry, Rejected, Stored, Unsure
from tests.storage.shared_contract import Member, eventually

__all__ = ["Traffic"]

KEPT = Retention(messages=100_000, age_s=3600.0, size_bytes=100_000_000)


class Traffic:
    """Members of the same channels on each node; the first ones of each node publish.

    Args:
        nodes: the stores.
        n_channels: spread over as many rooms.
        with_keys: whether events have keys; without, it is the marks alone that keep them from being stored twice.
    """

    def __init__(
        self, nodes: Sequence[RedisHistory], n_channels: int = 10, retention: Retention = KEPT, with_keys: bool = True
    ) -> None:
        self.nodes = nodes
        self.with_keys = with_keys
        self.members = [
            [Member(node, room=f"room-{i}", retention=retention) for i in range(n_channels)] for node in nodes
        ]
        self.outcomes: dict[bytes, Appended] = {}
        self.numbers: dict[str, int] = {}  # of a check that was made
        self.slowest_s = 0.0  # that an outcome was waited for
        self._n = 0
        self._channels: dict[bytes, int] = {}  # of each text
        self._waiting: set[asyncio.Task[None]] = set()

    async def opened(self) -> Traffic:
        await eventually(lambda: all(member.opened for members in self.members for member in members))
        return self

    def publish(self, node: int, channel: int) -> None:
        """Publish one event, and write down what becomes of it."""
        self._n += 1
        text = b'{"n":%d}' % self._n
        self._channels[text] = channel
        member = self.members[node][channel]
        task = asyncio.get_running_loop().create_task(self._publish(member, text))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _publish(self, member: Member, text: bytes) -> None:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        key = text.decode() if self.with_keys else ""
        (outcome,) = await member.log.append([Entry(text, key)])
        self.outcomes[text] = outcome
        self.slowest_s = max(self.slowest_s, loop.time() - began_at)

    async def run(self, seconds: float, a_second: int = 400) -> None:
        """Publish from all nodes to all channels in turn."""
        loop = asyncio.get_running_loop()
        ends_at, n, began_at = loop.time() + seconds, 0, loop.time()
        while loop.time() < ends_at:
            while n < (loop.time() - began_at) * a_second:
                self.publish(n % len(self.nodes), n // len(self.nodes) % len(self.members[0]))
                n += 1
            await asyncio.sleep(0.005)

    async def settle(self, timeout_s: float = 15.0) -> None:
        """Wait for all outcomes, then publish once more to each channel, and wait until everybody is at the top."""
        await eventually(lambda: not self._waiting, timeout_s)
        async with asyncio.timeout(timeout_s):
            for node in self.nodes:
                while await node.settled() != "up":
                    await asyncio.sleep(0.05)
        for channel in range(len(self.members[0])):
            self.publish(0, channel)
        await eventually(lambda: not self._waiting, timeout_s)
        for channel, member in enumerate(self.members[0]):
            page = await member.log.read(limit=1)
            for members in self.members:
                at = members[channel]
                await eventually(lambda at=at, page=page: (at.epoch, at.seq) == (page.epoch, page.top), timeout_s)

    # --- what must hold -----------------------------------------------------------------------------------------

    def count(self, kind: type) -> int:
        return sum(isinstance(outcome, kind) for outcome in self.outcomes.values())

    async def check(self) -> dict[str, int]:
        """Look at everything. Order and holes were looked at with each word of the feed, by Member."""
        numbers = {"stored": self.count(Stored), "rejected": self.count(Rejected), "unsure": self.count(Unsure)}
        numbers["acked_not_in_log"] = numbers["resets"] = numbers["missing"] = numbers["in_resets"] = 0
        for channel in range(len(self.members[0])):
            kept = await self._kept(self.members[0][channel])
            assert len(set(kept)) == len(kept), "stored twice"
            mine = {t: o for t, o in self.outcomes.items() if self._channels[t] == channel}
            numbers["acked_not_in_log"] += sum(isinstance(o, Stored) and t not in set(kept) for t, o in mine.items())
            for members in self.members:
                self._check_member(members[channel], kept, mine, numbers)
            self._check_order([members[channel].texts for members in self.members])
        return numbers

    async def _kept(self, member: Member) -> list[bytes]:
        texts, after, more = [], 0, True
        while more:
            page = await member.log.read(after=after, limit=1000, size_bytes=1_000_000)
            texts += [text for _, text in page.events]
            after, more = (page.events[-1][0], page.more) if page.events else (after, False)
        return texts

    def _check_member(
        self, member: Member, kept: list[bytes], mine: dict[bytes, Appended], numbers: dict[str, int]
    ) -> None:
        got = set(member.texts)
        assert len(got) == len(member.texts), "delivered twice"
        numbers["resets"] += member.n_resets
        numbers["missing"] += sum(last - first + 1 for first, last in member.missing)
        undelivered = [text for text, outcome in mine.items() if isinstance(outcome, Stored) and text not in got]
        if not member.n_resets:
            n_owned = sum(last - first + 1 for first, last in member.missing)
            n_replaced = sum(self._is_replaced(member, mine[text]) for text in undelivered) if not member.missing else 0
            assert len(undelivered) <= n_owned + n_replaced, "missing in silence"
        numbers["in_resets"] += len(undelivered)
        if not member.missing:
            assert set(kept) <= got, "in the log, and not delivered"
        assert not [t for t, o in mine.items() if isinstance(o, Rejected) and t in got], "rejected, and delivered"

    def _is_replaced(self, member: Member, outcome: Appended) -> bool:
        """Whether an event that nobody heard has lost its place to another, so that its publisher finds out.

        A primary that dies between its answer and its news takes the event with it. A channel tells the publisher no
        more than that the outcome is not known: it answers for an event only once it has heard it in its place.
        """
        if not isinstance(outcome, Stored) or member.opened is None or outcome.epoch != member.epoch:
            return False
        return member.opened.seq < outcome.seq <= member.seq

    def _check_order(self, told: list[list[bytes]]) -> None:
        """What two nodes both delivered, they delivered in one order."""
        for other in told[1:]:
            common = set(told[0]) & set(other)
            assert [text for text in told[0] if text in common] == [text for text in other if text in common]

"""python -m tests.bench.cluster: several nodes over one Redis as one bus: order, throughput, and what a hop more costs.

Members spread over nodes and channels, publishers over nodes; at each rate the table shows how late events come, what
nodes and Redis spend, and whether all members of a channel got the same events in the same order. The row with one node
in memory is what the others are compared with. Progress goes to stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.bench.members import Member, Publisher, opened
from tests.specs.bus import Bus
from tests.storage.redis_server import RedisServer

__all__ = ["Result", "main"]

SETTINGS = ["history.limit = 1000", "limits.half_open = 4096"]


class Result(NamedTuple):
    """Of one run."""

    rate: float  # events a second that were published
    deliveries: float  # a second
    p50_ms: float
    p99_ms: float
    node_us: float  # CPU of all nodes, for each delivery
    node_cores: float
    redis_us: float  # CPU of Redis, for each event
    is_one_order: bool
    missing: int


class Bench:
    """Nodes, and who is connected to them."""

    def __init__(self, nodes: list[Bus], redis: RedisServer | None, options: argparse.Namespace) -> None:
        self.nodes, self.redis, self.options = nodes, redis, options
        self.members: list[list[Member]] = []  # by channel
        self.publishers: list[Publisher] = []
        self._n = 0

    async def fill(self) -> None:
        """Connect everybody."""
        options, ports = self.options, [node.port for node in self.nodes]
        for channel in range(options.channels):
            n = options.members // options.channels
            work = [opened(Member, ports[i % len(ports)], f"room-{channel}", "c") for i in range(n)]
            self.members.append(list(await asyncio.gather(*work)))
        for i in range(options.publishers):
            room = f"room-{i % options.channels}"
            self.publishers.append(await opened(Publisher, ports[i % len(ports)], room, "c"))

    def close(self) -> None:
        for one in [member for members in self.members for member in members] + self.publishers:
            one.close()

    async def run(self, rate: int, seconds: float) -> Result:
        """Publish at a rate, by the clock whatever the nodes do, and count."""
        for members in self.members:
            for member in members:
                member.seqs.clear()
                member.texts.clear()
                member.delays.clear()
        nodes_before, redis_before = self._nodes_s(), self._redis_s()
        began_at, n = time.monotonic(), 0
        while (passed := time.monotonic() - began_at) < seconds:
            while n < passed * rate:
                self._n += 1
                self.publishers[n % len(self.publishers)].publish(self._n, self.options.size)
                n += 1
            await asyncio.sleep(0.002)
        took = time.monotonic() - began_at
        by_channel = [0] * len(self.members)
        for i in range(n):
            by_channel[i % len(self.publishers) % len(self.members)] += 1
        missing = await self._all_in(by_channel)
        deliveries = sum(len(member.seqs) for members in self.members for member in members)
        delays = sorted(delay for members in self.members for member in members for delay in member.delays)
        nodes_s, redis_s = self._nodes_s() - nodes_before, self._redis_s() - redis_before
        return Result(
            n / took,
            deliveries / took,
            statistics.median(delays) * 1000 if delays else 0,
            delays[int(len(delays) * 0.99)] * 1000 if delays else 0,
            nodes_s / max(1, deliveries) * 1e6,
            nodes_s / took,
            redis_s / max(1, n) * 1e6,
            self._is_one_order(),
            missing,
        )

    async def _all_in(self, by_channel: list[int]) -> int:
        ends_at, missing = time.monotonic() + 15, 1
        while missing and time.monotonic() < ends_at:
            await asyncio.sleep(0.05)
            missing = sum(
                n - len(member.seqs) for n, members in zip(by_channel, self.members, strict=True) for member in members
            )
        return missing

    def _is_one_order(self) -> bool:
        """Each member got seqs that go up by one, and each seq was the same event for all."""
        for members in self.members:
            for member in members:
                seqs = member.seqs
                if seqs and seqs != list(range(seqs[0], seqs[0] + len(seqs))):
                    return False
                if member.texts != members[0].texts:
                    return False
        return True

    def _nodes_s(self) -> float:
        times = [psutil.Process(node.process.pid).cpu_times() for node in self.nodes if node.process is not None]
        return sum(one.user + one.system for one in times)

    def _redis_s(self) -> float:
        if self.redis is None:
            return 0.0
        times = psutil.Process(self.redis.pid).cpu_times()
        return times.user + times.system


async def measure(n_nodes: int, over_redis: bool, options: argparse.Namespace, folder: Path) -> list[Result]:
    """Start nodes, run all rates, end them."""
    redis = RedisServer(folder / "redis").start() if over_redis else None
    store = [f'redis.url = "{redis.url}"'] if redis is not None else []
    nodes = []
    try:
        for i in range(n_nodes):
            (folder / str(i)).mkdir(parents=True)
            nodes.append(Bus(folder / str(i), [*SETTINGS, *store]).start())
        bench = Bench(nodes, redis, options)
        await bench.fill()
        results = []
        for rate in options.rates:
            print(f"  {n_nodes} nodes, {rate} events/s for {options.seconds} s", file=sys.stderr)
            results.append(await bench.run(rate, options.seconds))
        bench.close()
        return results
    finally:
        for node in nodes:
            node.kill()
        if redis is not None:
            redis.kill()


def main(words: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cluster", description=__doc__)
    parser.add_argument("--members", type=int, default=300)
    parser.add_argument("--channels", type=int, default=10)
    parser.add_argument("--publishers", type=int, default=10)
    parser.add_argument("--size", type=int, default=100, help="bytes of filling in a payload")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rates", type=int, nargs="+", default=[50, 200, 400], help="events a second, over all")
    options = parser.parse_args(words)
    print("| nodes | events/s | deliveries/s | p50 ms | p99 ms | us a delivery | cores of nodes | Redis, us an event |")
    print("|---|---|---|---|---|---|---|---|")
    is_good = True
    for n_nodes, over_redis in ((1, False), (1, True), (3, True)):
        with tempfile.TemporaryDirectory() as folder:
            for result in asyncio.run(measure(n_nodes, over_redis, options, Path(folder))):
                is_good = is_good and result.is_one_order and not result.missing
                name = f"{n_nodes}, {'Redis' if over_redis else 'memory'}"
                numbers = (
                    f"{result.rate:.0f} | {result.deliveries:.0f} | {result.p50_ms:.1f} | {result.p99_ms:.1f} | "
                    f"{result.node_us:.1f} | {result.node_cores:.2f} | {result.redis_us:.0f}"
                )
                print(f"| {name} | {numbers} |", flush=True)
                if not result.is_one_order or result.missing:
                    print(f"FAILED: one order: {result.is_one_order}, missing: {result.missing}", flush=True)
    print("one order everywhere, nothing missing" if is_good else "FAILED: see the rows")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

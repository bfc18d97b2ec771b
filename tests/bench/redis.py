"""python -m tests.bench.redis: what a publish to the shared store costs, beside plain redis-py pipelines in one run.

Figures are microseconds of CPU for each publish: ``ours`` of this process, ``Redis`` of the server; and ``wall``, the
time from one to the next. The rows run in turn, several rounds of them, and the median is shown: ratios hold on a noisy
machine, single figures do not.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import redis
import redis.asyncio
import uvloop

from arqonbus.storage.history import Retention
from arqonbus.storage.redis_address import parse
from arqonbus.storage.redis_history import RedisHistory
from arqonbus.storage.redis_scripts import APPEND
from arqonbus.storage.redis_store import RedisSetup
from arqonbus.storage.shared_log import Entry, Fed, Opened, Opening, SharedLog, Stored
from tests.storage.redis_server import RedisServer

N_CHANNELS = 100
RETENTION = Retention(200, 3600.0, 10_000_000)
TEXT = b'{"type":"event","payload":"' + b"x" * 227 + b'"}'  # 256 bytes


class Cost(NamedTuple):
    """Of one publish, in microseconds."""

    ours: float
    redis: float
    wall: float


class Bench:
    """One server, one node, and a plain client."""

    def __init__(self, server: RedisServer, history: RedisHistory, logs: list[SharedLog], n: int) -> None:
        self.server = server
        self.history = history
        self.logs = logs
        self.n = n
        self.n_fed = 0
        self._n_keys = 0

    def take(self, fed: Fed) -> None:
        self.n_fed += len(getattr(fed, "texts", ()))

    async def measure(self, work: Callable[[int], Awaitable[None]]) -> Cost:
        before_redis, before, began_at = self._redis_s(), time.process_time(), time.perf_counter()
        await work(self.n)
        wall, ours = time.perf_counter() - began_at, time.process_time() - before
        per = 1e6 / self.n
        return Cost(ours * per, (self._redis_s() - before_redis) * per, wall * per)

    def _redis_s(self) -> float:
        info = self.server.info("cpu")
        return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])

    # --- redis-py -----------------------------------------------------------------------------------------------

    def _args(self, i: int) -> list[str | int | bytes]:
        name = f"plain:{i % N_CHANNELS}"
        keys = [f"{name}:h", f"{name}:h", f"{name}:h", f"{name}:g"]
        head = [f"{name}:c", "PUBLISH", 200, 1, 1_000_000, 10**8, 0, 0, 1, "", 0]
        return ["EVALSHA", APPEND.sha, 4, *keys, *head, "", f"m{i:x}", TEXT]

    async def plain_one_by_one(self, n: int) -> None:
        async with redis.asyncio.Redis(port=self.server.port) as client:
            for i in range(n):
                await client.execute_command(*self._args(i))

    async def plain_pipelines(self, n: int) -> None:
        async with redis.asyncio.Redis(port=self.server.port) as client:
            for start in range(0, n, 64):
                pipe = client.pipeline(transaction=False)
                for i in range(start, min(start + 64, n)):
                    pipe.execute_command(*self._args(i))
                await pipe.execute()

    # --- the store ----------------------------------------------------------------------------------------------

    async def one_by_one(self, n: int) -> None:
        for i in range(n):
            await self._append(i % N_CHANNELS)

    async def in_flight(self, n: int) -> None:
        """64 callers, each of its own channel, each waiting for its answer before it goes on."""

        async def caller(channel: int) -> None:
            for _ in range(n // 64):
                await self._append(channel)

        await asyncio.gather(*(caller(channel) for channel in range(64)))

    async def grouped(self, n: int, keyed: bool = False) -> None:
        """16 events of one channel in a turn, as a busy channel has them; four channels at once."""

        async def caller(channel: int) -> None:
            for _ in range(n // 64):
                await self._append(channel, 16, keyed)

        await asyncio.gather(*(caller(channel) for channel in range(4)))

    async def grouped_with_keys(self, n: int) -> None:
        await self.grouped(n, keyed=True)

    async def _append(self, channel: int, n: int = 1, keyed: bool = False) -> None:
        entries = [Entry(TEXT, self._key() if keyed else "") for _ in range(n)]
        outcomes = await self.logs[channel].append(entries)
        assert isinstance(outcomes[-1], Stored), outcomes[-1]

    def _key(self) -> str:
        self._n_keys += 1
        return f"c-1234567890abcdef\x1f{self._n_keys}"

    async def received(self, n: int) -> None:
        """What another node appended, one event a frame; its own cost is not in ours."""
        wanted = self.n_fed + n
        writer = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.redis", "--write", str(self.server.port), str(n)),
            stdout=asyncio.subprocess.DEVNULL,
        )
        while self.n_fed < wanted and writer.returncode is None:
            await asyncio.sleep(0.02)
        await writer.wait()
        assert self.n_fed >= wanted


def _write(port: int, n: int) -> None:
    """Append as another node does, in pipelines."""
    names = [name for name in redis.Redis(port=port).keys("*:h:bench/*")][:N_CHANNELS]
    client = redis.Redis(port=port)
    for start in range(0, n, 256):
        pipe = client.pipeline(transaction=False)
        for i in range(start, min(start + 256, n)):
            log = names[i % len(names)]
            head = [log.replace(b":h:", b":c:"), "PUBLISH", 200, 0, 1, 10**8, 0, 0, 10**13, "", 0]
            pipe.execute_command(
                "EVALSHA", APPEND.sha, 4, log, log, log, log, *head, "", f"w{port}.{time.time_ns()}", TEXT
            )
        pipe.execute()


async def _run(rounds: int, n: int) -> dict[str, list[Cost]]:
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as server:
        setup = RedisSetup(parse(server.url), "bench", random.random, lambda event, **fields: None, timeout_s=10.0)
        history = RedisHistory(setup)
        history.start()
        await history.settled()
        bench = Bench(server, history, [], n)
        n_open = 0

        def take(fed: Fed) -> None:
            nonlocal n_open
            if isinstance(fed, Opened):
                n_open += 1
            bench.take(fed)

        for i in range(N_CHANNELS):
            bench.logs.append(history.open("bench", f"c{i}", Opening(RETENTION), take))
        while n_open < N_CHANNELS:
            await asyncio.sleep(0.01)
        rows: dict[str, Callable[[int], Awaitable[None]]] = {
            "redis-py, one by one": bench.plain_one_by_one,
            "redis-py, pipelines of 64": bench.plain_pipelines,
            "store, one by one": bench.one_by_one,
            "store, 64 callers": bench.in_flight,
            "store, 16 of a channel at once": bench.grouped,
            "same, with keys (dedupe)": bench.grouped_with_keys,
            "store, only hearing": bench.received,
        }
        costs: dict[str, list[Cost]] = {name: [] for name in rows}
        for _ in range(rounds):
            for name, work in rows.items():
                costs[name].append(await bench.measure(work))
        await history.close()
        return costs


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.redis", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--publishes", type=int, default=6400, help="of each row and round")
    parser.add_argument("--write", nargs=2, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        _write(*arguments.write)
        return
    costs = uvloop.run(_run(arguments.rounds, arguments.publishes))
    print(f"{'256 bytes, 100 channels, uvloop':34}{'ours':>8}{'Redis':>8}{'wall':>8}   us a publish")
    for name, rounds in costs.items():
        median = [statistics.median(cost[i] for cost in rounds) for i in range(3)]
        print(f"{name:34}{median[0]:8.1f}{median[1]:8.1f}{median[2]:8.1f}")


if __name__ == "__main__":
    main()

"""Workers of the Python SDK in a durable group, on several servers over a real Redis; one server is killed at work."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arqonbus.client import Bus, GroupOptions, Message, Options, connect
from arqonbus.client.sync import connect as blocking
from tests.specs.cluster import Cluster
from tests.storage.redis_server import require_redis

pytestmark = pytest.mark.integration

ADDRESS = "jobs:mail"
N_JOBS = 300
OPTIONS = GroupOptions(ack_wait_s=1.0, prefetch=8)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    require_redis()
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.stop()


class Worker:
    """A program that works off its share."""

    def __init__(self, url: str, done: Counter[int]) -> None:
        self.bus: Bus = connect(url, on_error=lambda error: None)
        self.done = done
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> Worker:
        await self.bus.open()
        jobs = await self.bus.subscribe(ADDRESS, group="workers", group_options=OPTIONS).open()
        self.task = asyncio.create_task(jobs.run(self.handle, concurrency=4))
        return self

    async def handle(self, message: Message[Any]) -> None:
        await asyncio.sleep(0.002)
        if message.data % 50 == 7 and message.attempt == 1:
            raise ValueError("the first attempt fails")
        self.done[message.data] += 1

    async def stop(self) -> None:
        await self.bus.close(timeout_s=0)
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)


@pytest.mark.proves("018/FR-011")
async def test_every_job_is_done_though_a_server_is_killed_at_work(cluster: Cluster) -> None:
    await cluster.start_redis()
    await cluster.start(["a", "b"], [])
    done: Counter[int] = Counter()
    async with connect(cluster.nodes["b"].url) as bus:
        await bus.create_channel(ADDRESS, Options(durable=True))
        workers = [await Worker(cluster.nodes[name].url, done).start() for name in ("a", "a", "b")]
        for n in range(N_JOBS):
            await bus.publish(ADDRESS, n, ack=True)
            if n == N_JOBS // 2:
                cluster.nodes["a"].kill()
        async with asyncio.timeout(30):
            while (report := await bus.group_info(ADDRESS, "workers")).pending or report.lag:
                await asyncio.sleep(0.1)
        assert set(done) == set(range(N_JOBS))
        assert sum(done.values()) <= N_JOBS + 3 * 8, "only what was in work at the end of a server may be done twice"
        assert report.dead_lettered == 0
        assert report.redelivered >= N_JOBS // 50
        for worker in workers:
            await worker.stop()
    cluster.nodes.pop("a")


@pytest.mark.proves("018/FR-011")
async def test_a_loop_says_itself_what_is_done_also_in_blocking_code(cluster: Cluster) -> None:
    await cluster.start_redis()
    await cluster.start(["a"], [])
    url = cluster.nodes["a"].url
    async with connect(url) as bus:
        await bus.create_channel(ADDRESS, Options(durable=True))
        async with bus.subscribe(ADDRESS, group="workers", group_options=OPTIONS) as jobs:
            await bus.publish(ADDRESS, "one", ack=True)
            message = await jobs.get(timeout_s=5)
            assert await message.retry(0.05) is True
            again = await jobs.get(timeout_s=5)
            assert (again.data, again.attempt) == ("one", 2)
            assert await again.ack() is True
            assert await message.ack() is False
        await bus.publish(ADDRESS, "two", ack=True)
        assert await asyncio.to_thread(_work_in_a_thread, url) == [("two", True)]
        report = await bus.group_info(ADDRESS, "workers")
        assert (report.pending, report.lag, report.durable) == (0, 0, True)
        await bus.delete_group(ADDRESS, "workers")


def _work_in_a_thread(url: str) -> list[tuple[str, bool]]:
    with blocking(url) as bus, bus.subscribe(ADDRESS, group="workers") as jobs:
        message = jobs.get(timeout_s=5)
        return [(message.data, jobs.ack(message))]


@pytest.mark.proves("018/FR-004")
async def test_a_server_that_is_stopped_gives_back_what_its_workers_had(cluster: Cluster) -> None:
    await cluster.start_redis()
    await cluster.start(["a", "b"], ["server.drain_timeout_s = 1.0", "server.drain_spread_s = 0.1"])
    patient = GroupOptions(ack_wait_s=600.0)
    async with connect(cluster.nodes["b"].url) as bus:
        await bus.create_channel(ADDRESS, Options(durable=True))
        async with connect(cluster.nodes["a"].url, on_error=lambda error: None) as other:
            held = await other.subscribe(ADDRESS, group="workers", group_options=patient).open()
            await bus.publish(ADDRESS, "job", ack=True)
            assert (await held.get(timeout_s=5)).attempt == 1
            jobs = await bus.subscribe(ADDRESS, group="workers", group_options=patient).open()
            await asyncio.to_thread(cluster.nodes.pop("a").stop)
            job = await jobs.get(timeout_s=5)
            assert (job.data, job.attempt) == ("job", 1)
            assert await job.ack()

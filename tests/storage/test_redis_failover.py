"""Sentinel and Cluster, for real: primaries that go, and slots that move, under traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arqonbus.storage.redis_keys import partition_of, slot_of
from tests.storage.redis_cluster import RedisCluster, RedisSentinel
from tests.storage.redis_node import redis_history
from tests.storage.redis_server import RedisServer, require_redis
from tests.storage.redis_traffic import Traffic

pytestmark = pytest.mark.integration

HASTY = {"timeout_s": 0.4, "hold_s": 12.0}


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[RedisSentinel]:
    require_redis()
    servers = RedisSentinel(tmp_path)
    yield servers
    servers.kill()


@pytest.fixture
def new_cluster(tmp_path: Path) -> Iterator[Callable[..., RedisCluster]]:
    require_redis()
    clusters: list[RedisCluster] = []

    def start(copies: int = 0) -> RedisCluster:
        clusters.append(RedisCluster(tmp_path, copies))
        return clusters[-1]

    yield start
    for cluster in clusters:
        cluster.kill()


async def _under_traffic(url: str, trouble: Callable[[], object], seconds: float) -> Traffic:
    """Run traffic over two nodes, make trouble after a second, and wait for the end."""
    async with redis_history(url, **HASTY) as here, redis_history(url, **HASTY) as there:
        bus = await Traffic([here, there]).opened()
        running = asyncio.create_task(bus.run(seconds))
        await asyncio.sleep(1.0)
        await asyncio.to_thread(trouble)
        await running
        await bus.settle(30.0)
        bus.numbers = await bus.check()
    return bus


@pytest.mark.parametrize("how", ["kill", "pause"])
async def test_a_primary_that_sentinels_replace(sentinel: RedisSentinel, how: str) -> None:
    bus = await _under_traffic(sentinel.url, getattr(sentinel.primary, how), 4.0)
    if how == "pause":
        sentinel.primary.resume()

    assert bus.numbers["stored"] > 500
    assert (bus.numbers["rejected"], bus.numbers["missing"]) == (0, 0)
    assert sentinel.copy.info("replication")["role"] == "master"


async def test_a_cluster_is_one_store(new_cluster: Callable[..., RedisCluster]) -> None:
    cluster = new_cluster()
    bus = await _under_traffic(cluster.url, lambda: None, 1.5)

    assert bus.numbers["stored"] > 300
    assert (bus.numbers["rejected"], bus.numbers["unsure"], bus.numbers["resets"]) == (0, 0, 0)
    used = [server for server in cluster.servers if int(str(server.do("DBSIZE"))) > 0]
    assert len(used) >= 2


async def test_a_slot_that_moves_under_traffic(new_cluster: Callable[..., RedisCluster]) -> None:
    cluster = new_cluster()
    slot = slot_of(partition_of("room-3"))
    source = cluster.owner_of(slot)
    to = next(server for server in cluster.servers if server is not source)
    bus = await _under_traffic(cluster.url, lambda: cluster.move(slot, to), 3.0)

    assert cluster.owner_of(slot) is to
    assert (bus.numbers["rejected"], bus.numbers["unsure"]) == (0, 0)
    assert (bus.numbers["acked_not_in_log"], bus.numbers["missing"], bus.numbers["resets"]) == (0, 0, 0)


async def test_a_primary_of_a_cluster_that_is_lost(new_cluster: Callable[..., RedisCluster]) -> None:
    cluster = new_cluster(copies=1)
    lost: RedisServer = cluster.owner_of(slot_of(partition_of("room-3")))
    bus = await _under_traffic(cluster.url, lost.kill, 4.0)

    assert bus.numbers["stored"] > 500
    assert (bus.numbers["rejected"], bus.numbers["missing"]) == (0, 0)

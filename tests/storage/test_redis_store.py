"""All of Redis as one node sees it. On real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from arqonbus.storage.redis_keys import PARTITIONS
from arqonbus.storage.redis_store import RedisStore
from tests.storage.redis_cluster import RedisCluster
from tests.storage.redis_node import Clock, redis_setup
from tests.storage.redis_server import RedisServer, free_port, require_redis
from tests.storage.shared_contract import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
async def new_store() -> AsyncIterator[Callable[..., RedisStore]]:
    stores: list[RedisStore] = []

    def make(url: str, **more: Any) -> RedisStore:
        stores.append(RedisStore(redis_setup(url, **more)))
        stores[-1].start()
        return stores[-1]

    yield make
    for store in stores:
        await store.close()


async def test_one_server_has_everything(new_store: Callable[..., RedisStore], redis_server: RedisServer) -> None:
    store = new_store(redis_server.url)
    await eventually(lambda: store.state == "up")

    assert len(store.shards) == 1
    assert store.shard_of("science") is store.shard_at(5) is store.shards[0]
    assert store.publish == "PUBLISH"


async def test_states_and_wires_are_told(new_store: Callable[..., RedisStore], redis_server: RedisServer) -> None:
    store = new_store(redis_server.url)
    states: list[str] = []
    wires: list[object] = []
    store.on_state.append(lambda shard, state: states.append(state))
    store.on_wires.append(wires.append)

    await eventually(lambda: states == ["resync", "up"])
    assert wires == [store.shards[0]] * 2


async def test_redis_clock_is_the_true_one(new_store: Callable[..., RedisStore], redis_server: RedisServer) -> None:
    clock = Clock()
    clock.advance(-5000)
    store = new_store(redis_server.url, wall=clock.time)
    await eventually(lambda: store.state == "up")

    assert 4_990_000 < store.skew_ms < 5_010_000
    assert abs(store.now_ms() - Clock().time() * 1000) < 10_000
    assert abs(store.fresh_epoch() - Clock().time() * 1_000_000) < 10_000_000


async def test_without_redis_the_state_says_so(new_store: Callable[..., RedisStore]) -> None:
    store = new_store(f"redis://127.0.0.1:{free_port()}", timeout_s=0.1, hold_s=0.1)
    assert store.state == "holding"

    await eventually(lambda: store.state == "local")


async def test_a_cluster_that_is_not_there_is_local_too(new_store: Callable[..., RedisStore]) -> None:
    store = new_store(f"redis+cluster://127.0.0.1:{free_port()}", timeout_s=0.1, hold_s=0.1)

    await eventually(lambda: store.state == "local")
    assert "redis_topology_unknown" in [event for event, _ in store.setup.notice.said]  # type: ignore[attr-defined]


async def test_the_partitions_of_a_cluster_have_their_primaries(
    new_store: Callable[..., RedisStore], tmp_path: Path
) -> None:
    require_redis()
    cluster = RedisCluster(tmp_path)
    try:
        moved: list[int] = []
        store = new_store(cluster.url, timeout_s=0.5)
        store.on_moved.append(lambda partition, before, now: moved.append(partition))
        await eventually(lambda: store.state == "up", 20.0)

        assert sorted(moved) == list(range(PARTITIONS))
        ports = {store.shard_at(partition).at for partition in range(PARTITIONS)}
        assert ports == {("127.0.0.1", server.port) for server in cluster.servers}
        assert store.publish == "SPUBLISH"
        await asyncio.to_thread(cluster.servers[2].kill)
        await eventually(lambda: store.state != "up", 20.0)
        assert store.shard_at(0).link.state == "up"
    finally:
        cluster.kill()


async def test_looking_around_at_one_server_is_nothing(
    new_store: Callable[..., RedisStore], redis_server: RedisServer
) -> None:
    store = new_store(redis_server.url)
    store.look_around()

    assert store._look is None

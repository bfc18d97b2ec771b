"""Several nodes on one real Redis."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from arqonbus.storage.cluster import Lapsed, LineDown, LineHeard, LineUp, NodeGone, NodeTold, SecretKnown
from arqonbus.storage.redis_cluster import RedisCluster, nothing_to_clear
from arqonbus.storage.redis_keys import PARTITIONS
from arqonbus.storage.redis_store import RedisStore
from tests.storage.cluster_contract import ClusterContract, Listening
from tests.storage.redis_cluster import RedisCluster as ClusterOfRedis
from tests.storage.redis_node import redis_setup
from tests.storage.redis_server import RedisServer, free_port
from tests.storage.shared_contract import eventually

pytestmark = pytest.mark.integration


class Node(Listening):
    """One node; beats are fast."""

    def __init__(self, url: str, beat_s: float = 0.05) -> None:
        self.store = RedisStore(redis_setup(url, timeout_s=0.5))
        self.redis = RedisCluster(self.store, beat_s=beat_s, lease_s=8 * beat_s)
        super().__init__(self.redis)

    def start(self) -> None:
        self.store.start()
        self.redis.start()

    @property
    def is_settled(self) -> bool:
        in_use = {self.store.shard_at(partition) for partition in range(PARTITIONS)}
        return all(shard.subscriptions.is_settled for shard in in_use)

    async def close(self) -> None:
        await self.redis.close()
        await self.store.close()

    async def die(self) -> None:
        task = self.redis.nodes._task
        assert task is not None
        task.cancel()
        await self.store.close()


@contextlib.asynccontextmanager
async def two_nodes(url: str) -> AsyncIterator[tuple[Node, Node]]:
    one, two = Node(url), Node(url)
    for node in (one, two):
        node.start()
    try:
        await eventually(lambda: len(one.cluster.living) == len(two.cluster.living) == 2)
        await eventually(lambda: one.is_settled and two.is_settled)
        yield one, two
    finally:
        for node in (one, two):
            await node.close()


class TestContract(ClusterContract):
    @pytest.fixture
    async def nodes(self, redis_server: RedisServer) -> AsyncIterator[tuple[Listening, Listening]]:
        async with two_nodes(redis_server.url) as (one, two):
            yield one, two

    @pytest.fixture
    def settle(self, nodes: tuple[Node, Node]) -> Any:
        async def settle(holds: Callable[[], Any]) -> None:
            await eventually(lambda: all(node.is_settled for node in nodes))
            await nodes[0].redis.post.tell_all("nothing", b"")  # behind what was asked before, unsubscriptions too
            await nodes[1].redis.post.tell_all("nothing", b"")
            await eventually(holds)

        return settle


class TestContractOnACluster(TestContract):
    """The same, where Redis is a cluster of three: subscriptions and letters go to the primary of each slot."""

    @pytest.fixture
    async def nodes(self, tmp_path: Path) -> AsyncIterator[tuple[Listening, Listening]]:
        servers = ClusterOfRedis(tmp_path)
        try:
            async with two_nodes(servers.url) as (one, two):
                yield one, two
        finally:
            servers.kill()


async def test_a_node_that_goes_says_so(redis_server: RedisServer) -> None:
    async with two_nodes(redis_server.url) as (one, two):
        await two.redis.close()

        await eventually(lambda: one.of(NodeGone) == [NodeGone(two.cluster.node, is_orderly=True)])
        assert two.of(NodeGone) == []


async def test_a_node_that_dies_is_missed(redis_server: RedisServer) -> None:
    async with two_nodes(redis_server.url) as (one, two):
        await two.die()

        await eventually(lambda: one.of(NodeGone) == [NodeGone(two.cluster.node, is_orderly=False)])


async def test_a_node_that_counted_as_dead_is_told(redis_server: RedisServer) -> None:
    async with two_nodes(redis_server.url) as (one, _):
        redis_server.do("FLUSHALL")

        await eventually(lambda: one.of(Lapsed) == [Lapsed()])


async def test_a_new_node_gets_the_secret_that_stands(redis_server: RedisServer) -> None:
    async with two_nodes(redis_server.url) as (one, _):
        await eventually(lambda: one.of(SecretKnown))
        three = Node(redis_server.url)
        three.start()
        await eventually(lambda: three.of(SecretKnown))

        assert three.of(SecretKnown)[-1] == one.of(SecretKnown)[-1]
        await three.close()


async def test_without_redis_nothing_is_known_and_nobody_waits() -> None:
    node = Node(f"redis://127.0.0.1:{free_port()}")
    heard: list[LineHeard] = []
    line = node.cluster.follow("r", heard.append)
    line.say(b"x", counts=True)
    node.cluster.tell(None, b"x")

    assert list(await node.cluster.send(["c-1"], [b"x"])) == ["unknown"]
    assert node.cluster.state != "up"
    assert set(node.cluster.living) == {node.cluster.node}
    assert heard == [NodeTold(-1)]
    await nothing_to_clear("n1")
    await node.store.close()


async def test_lines_come_back_with_redis(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    async with two_nodes(server.url) as (one, _):
        heard: list[LineHeard] = []
        one.cluster.follow("r", heard.append)
        await eventually(lambda: heard == [LineUp()])
        server.kill()
        await eventually(lambda: heard[-1] == LineDown())
        server.start()

        await eventually(lambda: heard[-1] == LineUp())


async def test_a_new_node_says_so_and_need_not_be_found_out(redis_server: RedisServer) -> None:
    one, two = Node(redis_server.url, beat_s=60.0), Node(redis_server.url, beat_s=60.0)
    one.start()
    await eventually(lambda: one.redis.nodes.living)
    await eventually(lambda: one.is_settled)
    two.start()
    try:
        await eventually(lambda: len(one.cluster.living) == len(two.cluster.living) == 2)
    finally:
        await one.close()
        await two.close()

"""Which nodes live: leases, deaths, and the coming back of one that counted as dead. On a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from arqonbus.errors import StorageError
from tests.storage.redis_nodes_world import NodeOfTest, nodes_of
from tests.storage.redis_server import RedisServer
from tests.storage.shared_contract import eventually

pytestmark = pytest.mark.integration


async def test_nodes_learn_of_each_other(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 3) as (one, two, three):
        assert set(one.nodes.living) == {one.name, two.name, three.name}
        assert set(one.joined) == {two.name, three.name}
        assert await two.nodes.documents() == {
            node.name: f"document of {node.name}".encode() for node in (one, two, three)
        }


async def test_a_node_that_leaves_in_order_is_gone_at_once(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 2, lease_s=60.0) as (one, two):
        await two.nodes.close()
        one.nodes.gone(two.name)

        assert one.left == [two.name]
        assert redis_server.do("ZRANGE", one.store.keys.nodes, 0, -1) == [one.name]
        one.nodes.gone(two.name)
        assert one.left == [two.name]


async def test_a_node_that_dies_is_known_to_all_after_its_lease_and_cleared_away_by_one(
    redis_server: RedisServer,
) -> None:
    async with nodes_of(redis_server.url, 3) as (one, two, three):
        began_at = asyncio.get_running_loop().time()
        await three.die()
        await eventually(lambda: one.left == two.left == [three.name])
        assert 0.2 < asyncio.get_running_loop().time() - began_at < 2.0

        await eventually(lambda: three.name in one.reaped + two.reaped)
        await eventually(lambda: redis_server.do("EXISTS", one.store.keys.reaping(three.name)) == 0)
        assert len(one.reaped + two.reaped) == 1
        assert three.name not in str(redis_server.do("ZRANGE", one.store.keys.nodes, 0, -1))


async def test_a_node_that_was_silent_for_too_long_registers_all_of_its_own_anew(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 2) as (one, two):
        assert two.nodes._task is not None
        two.nodes._task.cancel()
        await eventually(lambda: one.reaped == [two.name])
        await eventually(lambda: "node_cleared_away" in one.store.setup.notice.events)  # type: ignore[attr-defined]
        await two.nodes.beat()

        assert two.n_lapsed == 1
        await eventually(lambda: one.joined == [two.name, two.name])


async def test_a_node_that_is_being_cleared_away_waits_for_the_end_of_it(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 2, lease_s=60.0) as (one, two):
        assert two.nodes._task is not None
        two.nodes._task.cancel()
        redis_server.do("SET", one.store.keys.reaping(two.name), one.name)
        redis_server.do("ZREM", one.store.keys.nodes, two.name)
        await two.nodes.beat()
        assert redis_server.do("ZSCORE", one.store.keys.nodes, two.name) is None

        redis_server.do("DEL", one.store.keys.reaping(two.name))
        await two.nodes.beat()
        assert redis_server.do("ZSCORE", one.store.keys.nodes, two.name) is not None
        assert two.n_lapsed == 1


async def test_a_redis_that_forgot_all_makes_nobody_dead(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 3) as nodes:
        redis_server.do("FLUSHALL")
        await eventually(lambda: all(node.n_lapsed == 1 for node in nodes))

        assert [node.left for node in nodes] == [[], [], []]
        assert all(len(node.nodes.living) == 3 for node in nodes)


async def test_a_node_of_another_layout_is_refused(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 1) as (one,):
        redis_server.do("HSET", one.store.keys.meta, "layout", "0/64")

        with pytest.raises(StorageError, match="LAYOUT 0/64"):
            await one.nodes.beat()


async def test_beats_go_on_when_redis_comes_back(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    async with nodes_of(server.url, 2, lease_s=5.0) as (one, two):
        server.kill()
        await eventually(lambda: one.store.state == two.store.state == "holding")
        server.start()

        await eventually(lambda: one.n_lapsed == two.n_lapsed == 1)
        assert (one.left, two.left) == ([], [])


async def test_documents_of_nobody_are_none(redis_server: RedisServer) -> None:
    node = NodeOfTest(redis_server.url)

    assert await node.nodes.documents() == {}
    await node.store.close()

"""Who is in a channel, over all nodes. On a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.storage.redis_nodes_world import nodes_of
from tests.storage.redis_server import RedisServer
from tests.storage.shared_contract import eventually

pytestmark = pytest.mark.integration


async def test_members_of_all_nodes_are_seen_from_each(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 3) as (one, two, three):
        one.presence.enter("r", "c", "c-1", b"ada")
        two.presence.enter("r", "c", "c-2", b"bob")
        two.presence.enter("r", "c", "c-3", b"eve")
        two.presence.enter("r", "other", "c-2", b"bob")
        await _written(one.presence, two.presence)

        assert await three.presence.members("r", "c") == {
            one.name: {"c-1": b"ada"},
            two.name: {"c-2": b"bob", "c-3": b"eve"},
        }
        assert await three.presence.count("r", "c") == 3
        assert await three.presence.count("r", "nowhere") == 0


async def _written(*presences: object) -> None:
    """Wait for what was written: answers come in order."""
    for presence in presences:
        await presence.count("r", "c")  # type: ignore[attr-defined]
    await asyncio.sleep(0.02)


async def test_who_left_is_seen_no_more(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 2) as (one, two):
        one.presence.enter("r", "c", "c-1", b"ada")
        one.presence.enter("r", "c", "c-2", b"bob")
        one.presence.exit("r", "c", "c-1")
        one.presence.exit("r", "c", "never there")
        await _written(one.presence)
        assert await two.presence.members("r", "c") == {one.name: {"c-2": b"bob"}}

        one.presence.exit("r", "c", "c-2")
        await _written(one.presence)
        assert await two.presence.members("r", "c") == {}
        assert [key for key in redis_server.do("KEYS", "t:*:p*") if "probe" not in key] == []  # type: ignore[attr-defined]


async def test_the_members_of_a_dead_node_are_gone_when_its_lease_is_over(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 2) as (one, two):
        for i in range(20):
            two.presence.enter(f"room-{i}", "c", "c-2", b"bob")
        await _written(two.presence)
        assert await one.presence.count("room-3", "c") == 1
        await two.die()
        await eventually(lambda: one.left == [two.name])

        assert await one.presence.count("room-3", "c") == 0
        await eventually(lambda: one.reaped == [two.name])
        # The lock of whoever clears up is let go last.
        await eventually(lambda: redis_server.do("KEYS", f"*{two.name}*") == [])


async def test_a_node_that_counted_as_dead_is_seen_again_with_all_its_members(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 2) as (one, two):
        for i in range(600):
            two.presence.enter("r", "c", f"c-{i}", b"x")
        await _written(two.presence)
        assert two.nodes._task is not None
        two.nodes._task.cancel()
        await eventually(lambda: one.reaped == [two.name])
        await eventually(lambda: "node_cleared_away" in one.store.setup.notice.events)  # type: ignore[attr-defined]
        assert await one.presence.count("r", "c") == 0
        two.nodes.start()

        await eventually(lambda: two.name in one.nodes.living)
        for _ in range(200):
            if await one.presence.count("r", "c") == 600:
                break
            await asyncio.sleep(0.02)
        assert await one.presence.count("r", "c") == 600


async def test_a_redis_that_comes_back_with_nothing_is_told_again(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    async with nodes_of(server.url, 2, lease_s=20.0) as (one, two):
        one.presence.enter("r", "c", "c-1", b"ada")
        await _written(one.presence)
        server.kill()
        await eventually(lambda: one.store.state == two.store.state == "holding")
        one.presence.enter("r", "c", "c-2", b"bob")
        server.start()

        await eventually(lambda: one.store.state == two.store.state == "up")
        await _written(one.presence)
        assert await two.presence.members("r", "c") == {one.name: {"c-1": b"ada", "c-2": b"bob"}}
        one.presence.close()

"""Messages to single clients on whichever node. On a real Redis."""

from __future__ import annotations

import pytest

from tests.storage.redis_nodes_world import NodeOfTest, never, nodes_of
from tests.storage.redis_server import RedisServer, free_port
from tests.storage.shared_contract import eventually

pytestmark = pytest.mark.integration


async def test_a_message_reaches_a_client_on_any_node(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 2) as (one, two):
        here: list[bytes] = []
        there: list[bytes] = []
        one.private.enter("c-here", here.append)
        two.private.enter("c-there", there.append)
        await eventually(lambda: two.store.shards[0].subscriptions.is_settled)

        assert await one.private.send(["c-there", "c-here", "c-nobody"], [b"x"] * 3) == [
            "delivered",
            "delivered",
            "absent",
        ]
        await eventually(lambda: here == there == [b"x"])


async def test_a_client_that_left_is_absent(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 2) as (one, two):
        heard: list[bytes] = []
        two.private.enter("c-1", heard.append)
        await eventually(lambda: two.store.shards[0].subscriptions.is_settled)
        two.private.leave("c-1")
        two.private.leave("c-1")
        assert len(two.private) == 0
        await eventually(lambda: redis_server.do("PUBSUB", "NUMSUB", two.store.keys.client_feed("c-1"))[1] == 0)  # type: ignore[index]

        assert await one.private.send(["c-1"], [b"x"]) == ["absent"]
        await never(lambda: heard, 0.02)


async def test_the_clients_of_a_dead_node_are_absent_at_once(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 2) as (one, two):
        two.private.enter("c-1", lambda data: None)
        await eventually(lambda: two.store.shards[0].subscriptions.is_settled)
        await two.die()
        await eventually(lambda: redis_server.do("PUBSUB", "NUMSUB", two.store.keys.client_feed("c-1"))[1] == 0)  # type: ignore[index]

        assert await one.private.send(["c-1"], [b"x"]) == ["absent"]


async def test_what_is_no_name_is_nobodys(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 1) as (one,):
        assert await one.private.send(["a b", "{x}", "é"], [b"x"] * 3) == ["absent"] * 3
        assert await one.private.send([], []) == []


async def test_without_redis_nobody_knows() -> None:
    node = NodeOfTest(f"redis://127.0.0.1:{free_port()}")

    assert await node.private.send(["c-1", "a b"], [b"x"] * 2) == ["unknown", "absent"]
    await node.store.close()

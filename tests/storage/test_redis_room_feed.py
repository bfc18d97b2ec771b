"""What concerns all of a room, over Redis. What every room feed promises is in the contract."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from arqonbus.errors import StorageError
from arqonbus.storage.shared_log import ChannelMade, RoomFed, Said, Unheard
from tests.storage.redis_node import redis_history
from tests.storage.redis_server import RedisServer, free_port
from tests.storage.shared_contract import Member, eventually

pytestmark = pytest.mark.integration


async def test_all_nodes_hear_what_one_says_and_makes(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as here, redis_history(redis_server.url) as there:
        told: list[list[RoomFed]] = [[], []]
        feeds = [node.follow("r", words.append) for node, words in zip((here, there), told, strict=True)]
        await eventually(lambda: redis_server.do("PUBSUB", "NUMSUB", here.store.keys.room_feed("r"))[1] == 2)  # type: ignore[index]
        await Member(here).is_open()

        assert await feeds[1].say(b"x") == 2
        await eventually(lambda: all(words == [ChannelMade("c"), Said(b"x")] for words in told))


async def test_a_break_is_told_since_something_may_have_been_missed(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as here:
        told: list[RoomFed] = []
        here.follow("r", told.append)
        await eventually(lambda: here.store.shards[0].subscriptions.is_settled)
        assert told == []
        redis_server.do("CLIENT", "KILL", "TYPE", "pubsub")

        await eventually(lambda: told == [Unheard()])


async def test_without_redis_nothing_can_be_said(new_redis: Callable[..., RedisServer]) -> None:
    async with redis_history(f"redis://127.0.0.1:{free_port()}", timeout_s=0.1, hold_s=0.1) as here:
        with pytest.raises(StorageError, match="not connected"):
            await here.follow("r", lambda fed: None).say(b"x")

"""One log in Redis: opening it, reading it, keeping it alive. What every shared log promises is in the contract."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from arqonbus.errors import StorageError
from arqonbus.storage.history import Retention
from arqonbus.storage.shared_log import LinkChanged
from tests.storage.redis_node import redis_history
from tests.storage.redis_server import RedisServer, free_port
from tests.storage.shared_contract import Member, eventually

pytestmark = pytest.mark.integration


async def test_a_read_without_redis_says_so(new_redis: Callable[..., RedisServer]) -> None:
    async with redis_history(f"redis://127.0.0.1:{free_port()}", timeout_s=0.1, hold_s=0.1) as history:
        member = Member(history)
        await eventually(lambda: member.fed == [LinkChanged("local")])

        with pytest.raises(StorageError, match="not connected"):
            await member.log.read()
        with pytest.raises(StorageError, match="not connected"):
            await history.note("r", "c")
        with pytest.raises(StorageError, match="not connected"):
            await history.holds("r", "c")


async def test_a_read_of_what_vanished_is_an_empty_page_without_an_epoch(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        member = await Member(history).is_open()
        redis_server.do("FLUSHALL")

        page = await member.log.read()
        assert (page.epoch, page.top, list(page.events)) == ("", 0, [])


async def test_a_log_lives_as_long_as_its_events_and_its_position_behind_them(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url, position_ttl_s=1000.0) as history:
        member = await Member(history, retention=Retention(10, 500.0, 1000)).is_open()
        keys = [history.store.keys.log("r", "c"), history.store.keys.note("r", "c")]
        assert all(1_490_000 < int(str(redis_server.do("PTTL", key))) <= 1_500_000 for key in keys)
        for key in keys:
            redis_server.do("PEXPIRE", key, 5000)
        history.sweep()

        await eventually(lambda: all(int(str(redis_server.do("PTTL", key))) > 1_490_000 for key in keys))
        assert member.n_resets == 0


async def test_a_log_that_is_closed_before_it_was_opened_tells_nothing(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        member = Member(history)
        member.log.close()
        await asyncio.sleep(0.05)

        assert member.fed == []
        late = Member(history)
        await asyncio.sleep(0)
        late.log.close()
        await asyncio.sleep(0.05)
        assert late.fed == []


async def test_an_opening_that_redis_refuses_is_tried_again(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        key = history.store.keys.log("r", "c")
        redis_server.do("SET", key, "x")
        member = Member(history)
        await eventually(
            lambda: "redis_log_not_opened" in history.store.setup.notice.events  # type: ignore[attr-defined]
        )
        redis_server.do("DEL", key)

        await member.is_open()


async def test_a_channel_that_expired_is_struck_off_the_list_of_its_room(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        for channel in "abc":
            await Member(history, channel=channel).is_open()
        redis_server.do("DEL", history.store.keys.log("r", "b"))

        assert await history.channels("r") == ["a", "c"]
        assert redis_server.do("ZCARD", history.store.keys.channels("r")) == 2

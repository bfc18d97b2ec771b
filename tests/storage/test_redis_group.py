"""Durable groups over several nodes: each event to one, until it is acknowledged. On a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from arqonbus.errors import StorageError
from arqonbus.storage.history import Retention
from arqonbus.storage.redis_group import RedisGroup
from arqonbus.storage.redis_scripts import BUMP
from arqonbus.storage.shared_group import SharedGroup, Work
from arqonbus.storage.shared_log import Rejected, Stored
from tests.storage.group_contract import BRIEF, OPTIONS, GroupContract, GroupWorld, shown
from tests.storage.redis_node import redis_history
from tests.storage.redis_server import RedisServer
from tests.storage.shared_contract import MUCH, Member, eventually

pytestmark = pytest.mark.integration


class TestRedisGroup(GroupContract):
    """The contract."""

    @pytest.fixture
    async def world(self, redis_server: RedisServer) -> AsyncIterator[GroupWorld]:
        async with redis_history(redis_server.url) as here, redis_history(redis_server.url) as there:
            publisher = await Member(here, durable=True).is_open()
            groups = [history.group("r", "c", "workers") for history in (here, there)]
            yield GroupWorld(groups[0], groups[1], publisher.append, lambda: publisher.epoch, asyncio.sleep)


async def take_until(group: SharedGroup, n: int, members: int | None = 1) -> list[Work]:
    """Take until there were ``n`` in all."""
    works: list[Work] = []
    async with asyncio.timeout(10):
        while len(works) < n:
            with contextlib.suppress(StorageError):
                works += await group.take(n - len(works), members)
            await asyncio.sleep(0.01)
    return works


async def test_what_was_taken_by_a_lost_answer_is_had_again_and_does_not_count(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        publisher = await Member(history, durable=True).is_open()
        group = history.group("r", "c", "workers")
        await group.open(OPTIONS, 0)
        await publisher.append(b"a", b"b", b"c")
        (kept,) = await group.take(1)
        lost = asyncio.ensure_future(group.take(2))
        await asyncio.sleep(0)
        redis_server.do("XREADGROUP", "GROUP", "workers", group._me, "COUNT", 2, "STREAMS", group._log, ">")
        history.store.shard_of("r").cut("test")
        with pytest.raises(StorageError):
            await lost

        taken = await take_until(group, 2)
        assert shown(taken) == [(2, 1), (3, 1)]
        assert await group.ack([kept, *taken]) == 3


async def test_without_redis_everything_says_so(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        await Member(history, durable=True).is_open()
        group = history.group("r", "c", "workers")
        await group.open(OPTIONS, 0)
        history.store.shard_of("r").cut("test")
        work = Work("5", 1, b"", 1)
        for asked in (group.open(OPTIONS, 0), group.take(1), group.ack([work]), group.give_back([work])):
            with pytest.raises(StorageError):
                await asked
        with pytest.raises(StorageError):
            await group.standing()
        group.close([work])
        await asyncio.sleep(0)


async def test_retention_leaves_what_a_group_still_needs_and_a_full_log_refuses(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arqonbus.storage import redis_line

    monkeypatch.setattr(redis_line, "MOST_GROUPED", 20)
    few = Retention(5, 3600.0, 1_000_000)
    async with redis_history(redis_server.url) as history:
        publisher = await Member(history, retention=few, durable=True).is_open()
        group = history.group("r", "c", "workers")
        await group.open(OPTIONS, 0)
        await publisher.append(*[b"x"] * 20)
        (refused,) = await publisher.append(b"y")
        assert isinstance(refused, Rejected)
        assert refused.reason.startswith("FULL")

        works = await group.take(100)
        assert await group.ack(works[:18]) == 18
        publisher.log.retain(few)
        await eventually(lambda: publisher.seq == 20)
        assert (await publisher.log.read(limit=1)).first == 16
        assert isinstance((await publisher.append(b"y"))[0], Stored)


async def test_after_a_failover_everything_is_given_at_least_once(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis("--appendonly", "yes", "--appendfsync", "always")
    async with redis_history(server.url, timeout_s=0.5) as history:
        publisher = await Member(history, durable=True).is_open()
        group = history.group("r", "c", "workers")
        await group.open(OPTIONS, 0)
        for i in range(30):
            await publisher.append(b"%d" % i)
            if i == 15:
                server.kill()
                server.start()
        assert {work.text for work in await take_until(group, 30)} == {b"%d" % i for i in range(30)}


async def test_a_change_of_epoch_loses_nothing(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        publisher = await Member(history, durable=True).is_open()
        group = history.group("r", "c", "workers")
        await group.open(OPTIONS, 0)
        await publisher.append(*[b"%d" % i for i in range(4)])
        works = await group.take(4)
        await group.ack(works[:2])
        epoch, store = int(publisher.epoch), history.store
        args = (store.keys.log("r", "c"), store.keys.feed("r", "c"), "PUBLISH", epoch, epoch + 9, 10**9)
        redis_server.do("EVAL", BUMP.text, 1, *args)

        assert await group.ack(works[2:]) == 0  # they have other places now
        again = await take_until(group, 2)
        assert again == [Work(str(epoch + 9), 3, b"2", 2), Work(str(epoch + 9), 4, b"3", 2)]


async def test_a_group_that_was_lost_with_its_log_is_made_again(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        publisher = await Member(history, durable=True).is_open()
        group = history.group("r", "c", "workers")
        await group.open(OPTIONS, 0)
        await publisher.append(b"before")
        await group.take(1)
        redis_server.do("FLUSHALL")
        redis_server.do("CLIENT", "KILL", "TYPE", "pubsub")
        await eventually(lambda: publisher.n_resets == 1)
        await publisher.append(b"after")

        assert [work.text for work in await take_until(group, 1)] == [b"after"]


async def test_a_group_without_members_is_deleted_by_hand_or_by_time(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url, group_ttl_s=0.15) as history:
        publisher = await Member(history, durable=True).is_open()
        group: RedisGroup = history.group("r", "c", "g:1")
        await group.open(OPTIONS, None)
        await group.take(1, 2)
        assert await history.delete_group("r", "c", "g:1") is None
        await group.take(0, 0)
        assert await history.delete_group("r", "c", "g:1") is True
        assert await history.delete_group("r", "c", "g:1") is False
        assert redis_server.do("EXISTS", group._groups) == 0

        await group.open(OPTIONS, None)
        publisher.log.retain(MUCH)
        assert await group.standing() is not None
        await asyncio.sleep(0.2)
        publisher.log.retain(MUCH)
        assert await group.standing() is None
        assert redis_server.do("EXISTS", group._groups) == 0


async def test_a_group_of_nodes_that_all_died_begins_anew_and_is_forgotten(redis_server: RedisServer) -> None:
    few = Retention(5, 3600.0, 1_000_000)
    async with redis_history(redis_server.url) as history:
        publisher = await Member(history, retention=few).is_open()
        group = history.group("r", "c", "workers")
        await group.open(BRIEF, None)
        await publisher.append(*[b"x"] * 20)
        assert len(await group.take(2, 1)) == 2
        assert redis_server.do("XLEN", group._log) == 20  # more than the channel keeps
        redis_server.do("HSET", group._groups, f"m:7:workers:{group._me}", "1 1")  # the last word is long ago

        await group.open(BRIEF, None)
        assert await group.take(5, 1) == []
        redis_server.do("DEL", group._groups)  # its time is over
        publisher.log.retain(few)
        await publisher.append(b"y")
        await eventually(lambda: redis_server.do("XLEN", group._log) == 5)
        await eventually(lambda: redis_server.do("XINFO", "GROUPS", group._log) == [])


async def test_a_group_that_does_not_last_keeps_so_many_and_no_more(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arqonbus.storage import redis_line

    monkeypatch.setattr(redis_line, "MOST_SHARED", 10)
    async with redis_history(redis_server.url) as history:
        publisher = await Member(history, retention=Retention(5, 3600.0, 1_000_000)).is_open()
        group = history.group("r", "c", "workers")
        await group.open(BRIEF, None)
        await publisher.append(*[b"x"] * 20)

        assert shown(await group.take(100, 1)) == [(seq, 1) for seq in range(11, 21)]

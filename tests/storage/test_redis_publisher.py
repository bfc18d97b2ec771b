"""What all channels of a node append: in how many calls it goes, and what becomes of it. On a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from arqonbus.storage.history import Retention
from arqonbus.storage.redis_publisher import PATIENT
from arqonbus.storage.shared_log import Entry, Rejected, Stored, Unsure
from tests.storage.redis_node import redis_history
from tests.storage.redis_server import RedisServer
from tests.storage.shared_contract import Member, eventually

pytestmark = pytest.mark.integration


def n_calls(server: RedisServer) -> int:
    """Count the calls of scripts so far."""
    with server.client() as client:
        stats = client.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {"calls": 0})["calls"])


async def test_what_one_tick_has_for_one_channel_is_one_call(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        members = [await Member(history, channel=f"c{i}").is_open() for i in range(3)]
        for member in members:
            await member.append(b"x", b"y")
        await asyncio.sleep(0.05)  # for what sees to retention behind it
        before = n_calls(redis_server)
        waiting = [member.log.append([Entry(b"x")]) for _ in range(10) for member in members]
        for outcome in waiting:
            await outcome

        assert n_calls(redis_server) - before == 3


async def test_a_busy_channel_goes_in_calls_of_64(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        member = await Member(history, retention=Retention(10_000, 3600.0, 10**9)).is_open()
        await member.append(b"x")
        await asyncio.sleep(0.05)
        before = n_calls(redis_server)
        await member.append(*[b"x"] * 640)

        assert n_calls(redis_server) - before == 10


async def test_retention_is_seen_to_now_and_then(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        member = await Member(history, retention=Retention(10_000, 3600.0, 10_000)).is_open()
        for _ in range(40):
            await member.append(b"x" * 1000)

        key = history.store.keys.log("r", "c")
        await eventually(lambda: int(str(redis_server.do("XLEN", key))) <= 12)


async def test_an_error_of_the_whole_call_refuses_what_was_in_it(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        member = await Member(history).is_open()
        redis_server.do("SET", history.store.keys.log("r", "c"), "x")
        outcomes = await member.append(b"a", b"b")

        assert [type(outcome) for outcome in outcomes] == [Rejected, Rejected]
        assert history.n_held == 0


async def test_after_the_patience_what_was_sent_is_unsure_and_what_was_not_is_refused(
    new_redis: Callable[..., RedisServer],
) -> None:
    server = new_redis()
    async with redis_history(server.url, timeout_s=0.2, hold_s=0.5) as history:
        member = await Member(history).is_open()
        server.pause()
        sent = asyncio.create_task(member.append(b"sent"))
        await asyncio.sleep(0.05)
        not_sent = asyncio.create_task(member.append(b"not sent"))

        assert [type(outcome) for outcome in [*await sent, *await not_sent]] == [Unsure, Rejected]
        server.resume()
        await eventually(lambda: history.state == "up")
        await eventually(lambda: member.texts == [b"sent"])
        assert isinstance((await member.append(b"next"))[0], Stored)
        await eventually(lambda: member.texts == [b"sent", b"next"])


async def test_stopping_refuses_what_waits(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    async with redis_history(server.url, timeout_s=5.0) as history:
        member = await Member(history).is_open()
        server.pause()
        waiting = asyncio.create_task(member.append(b"a"))
        await asyncio.sleep(0.05)
        later = asyncio.create_task(member.append(b"b"))
        await asyncio.sleep(0.05)
    server.resume()

    assert await later == [Rejected("the bus is stopping")]
    assert [type(outcome) for outcome in await waiting] == [Unsure]


def test_codes_that_are_worth_another_attempt_prove_that_nothing_was_done() -> None:
    assert "OOM" not in PATIENT
    assert {"READONLY", "LOADING", "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"} <= PATIENT

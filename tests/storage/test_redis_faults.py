"""Faults of Redis, for real: nothing comes twice, nothing out of order, nothing is missing in silence.

Two nodes publish to the same channels and listen to them, all the while.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from arqonbus.storage.history import Retention
from arqonbus.storage.redis_history import RedisHistory
from arqonbus.storage.redis_keys import Keys
from arqonbus.storage.redis_scripts import APPEND
from arqonbus.storage.shared_log import Rejected, Stored
from tests.storage.redis_node import redis_history
from tests.storage.redis_server import RedisServer
from tests.storage.redis_traffic import Traffic
from tests.storage.shared_contract import Member, eventually

pytestmark = pytest.mark.integration

AOF = ("--appendonly", "yes", "--appendfsync", "always")
HASTY = {"timeout_s": 0.4, "hold_s": 8.0}


@asynccontextmanager
async def traffic(*urls: str, settings: dict[str, Any] | None = None, **more: Any) -> AsyncIterator[Traffic]:
    settings = {**HASTY, **(settings or {})}
    async with redis_history(urls[0], **settings) as here, redis_history(urls[-1], **settings) as there:
        yield await Traffic([here, there], **more).opened()


@pytest.mark.parametrize("with_keys", [True, False])
async def test_a_server_that_is_killed_and_started_again(
    new_redis: Callable[..., RedisServer], with_keys: bool
) -> None:
    server = new_redis(*AOF)
    async with traffic(server.url, with_keys=with_keys) as bus:
        running = asyncio.create_task(bus.run(3.0))
        await asyncio.sleep(1.0)
        server.kill()
        await asyncio.sleep(0.7)
        server.start()
        await running
        await bus.settle()

        numbers = await bus.check()
        assert (numbers["acked_not_in_log"], numbers["missing"], numbers["resets"]) == (0, 0, 0)
        assert (numbers["rejected"], numbers["unsure"]) == (0, 0)
        assert numbers["stored"] > 1000


@pytest.mark.parametrize("with_keys", [True, False])
async def test_a_server_that_hangs_for_a_while(new_redis: Callable[..., RedisServer], with_keys: bool) -> None:
    server = new_redis()
    async with traffic(server.url, with_keys=with_keys) as bus:
        running = asyncio.create_task(bus.run(4.0))
        await asyncio.sleep(1.0)
        server.pause()
        await asyncio.sleep(2.0)
        server.resume()
        await running
        await bus.settle()

        numbers = await bus.check()
        assert (numbers["acked_not_in_log"], numbers["missing"], numbers["resets"]) == (0, 0, 0)
        assert (numbers["rejected"], numbers["unsure"]) == (0, 0)
        assert bus.slowest_s < 6.0


async def test_connections_that_are_killed_again_and_again(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    async with traffic(server.url) as bus:
        running = asyncio.create_task(bus.run(3.0))
        for kind in ("pubsub", "normal", "pubsub", "normal", "pubsub"):
            await asyncio.sleep(0.5)
            server.do("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        await running
        await bus.settle()

        numbers = await bus.check()
        assert (numbers["acked_not_in_log"], numbers["missing"], numbers["resets"]) == (0, 0, 0)
        assert (numbers["rejected"], numbers["unsure"]) == (0, 0)


async def test_a_server_that_comes_back_with_nothing(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    async with traffic(server.url) as bus:
        running = asyncio.create_task(bus.run(3.0))
        await asyncio.sleep(1.0)
        server.kill()
        await asyncio.sleep(0.5)
        server.start()
        await running
        await bus.settle()

        numbers = await bus.check()
        assert numbers["acked_not_in_log"] > 0
        assert numbers["resets"] == 2 * 10


@pytest.mark.parametrize("behind_s", [0.5, 2.0])
async def test_a_copy_that_is_behind_takes_over(new_redis: Callable[..., RedisServer], behind_s: float) -> None:
    """The address stays, as with a floating name: the copy takes the port of the dead one."""
    first = new_redis()
    copy = new_redis("--replicaof", f"127.0.0.1 {first.port}")
    await eventually(lambda: copy.info("replication")["master_link_status"] == "up")
    async with traffic(first.url) as bus:
        running = asyncio.create_task(bus.run(2.0 + behind_s))
        await asyncio.sleep(1.0)
        copy.do("REPLICAOF", "NO", "ONE")  # it hears nothing from here on
        await asyncio.sleep(behind_s)
        first.kill()
        await asyncio.to_thread(_take_over, copy, first)
        await running
        await bus.settle()

        numbers = await bus.check()
        assert numbers["acked_not_in_log"] > 0
        assert numbers["resets"] == 2 * 10


def _take_over(copy: RedisServer, dead: RedisServer) -> None:
    """Give the copy the port of the dead one, with what it has."""
    copy.do("CONFIG", "SET", "port", dead.port)
    copy.port = dead.port


async def test_a_reader_that_is_too_slow_for_its_buffer(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis("--client-output-buffer-limit", "pubsub 64kb 0 0")
    async with traffic(server.url) as bus:
        await bus.run(0.5)
        n_listeners = _flood(server, bus.members[0][0].epoch)
        assert n_listeners < 2
        await bus.settle()

        numbers = await bus.check()
        assert (numbers["acked_not_in_log"], numbers["missing"], numbers["resets"]) == (0, 0, 0)
        assert len(bus.members[0][0].texts) > 3000


def _flood(server: RedisServer, epoch: str) -> int:
    """Append, as a third node would, while the loop of the readers stands still. Gives how many listeners are left."""
    keys = Keys("t")
    log, feed = keys.log("room-0", "c"), keys.feed("room-0", "c")
    with server.client() as client:
        for start in range(0, 3000, 50):
            entries = [part for i in range(start, start + 50) for part in ("", f"flood.{i}", b"%d" % i + b"x" * 4000)]
            head = (feed, "PUBLISH", 100_000, epoch, 1, 10**9, 0, 0, 1, "", 0)
            client.eval(APPEND.text, 4, log, log, log, log, *head, *entries)
        return len(client.client_list("pubsub"))


async def test_a_server_that_is_demoted_and_promoted_again(new_redis: Callable[..., RedisServer]) -> None:
    server, other = new_redis(), new_redis()
    async with traffic(server.url) as bus:
        running = asyncio.create_task(bus.run(3.0))
        await asyncio.sleep(0.7)
        server.do("CONFIG", "SET", "replica-serve-stale-data", "yes")
        server.do("REPLICAOF", "127.0.0.1", 1)  # nobody there: it keeps what it has, and is read-only
        await asyncio.sleep(1.0)
        server.do("REPLICAOF", "NO", "ONE")
        await running
        await bus.settle()

        numbers = await bus.check()
        assert (numbers["acked_not_in_log"], numbers["missing"], numbers["resets"]) == (0, 0, 0)
        assert (numbers["rejected"], numbers["unsure"]) == (0, 0)
    other.kill()


async def test_scripts_that_redis_forgot(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    async with traffic(server.url) as bus:
        running = asyncio.create_task(bus.run(1.5))
        for _ in range(3):
            await asyncio.sleep(0.4)
            server.do("SCRIPT", "FLUSH")
        await running
        await bus.settle()

        numbers = await bus.check()
        assert (numbers["rejected"], numbers["unsure"], numbers["missing"], numbers["resets"]) == (0, 0, 0, 0)


async def test_a_server_without_memory_refuses_and_says_so(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis("--maxmemory-policy", "noeviction")
    async with traffic(server.url) as bus:
        await bus.run(0.5)
        server.do("CONFIG", "SET", "maxmemory", 1)
        (refused,) = await bus.members[0][0].append(b"refused")
        assert isinstance(refused, Rejected)
        assert refused.reason.startswith("OOM")
        await bus.run(0.5)
        server.do("CONFIG", "SET", "maxmemory", 0)
        await bus.run(0.5)
        await bus.settle()

        numbers = await bus.check()
        assert numbers["rejected"] > 0
        assert (numbers["unsure"], numbers["missing"], numbers["resets"]) == (0, 0, 0)


async def test_what_retention_took_during_a_break_is_owned_to_exactly(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    few = Retention(20, 3600.0, 1_000_000)
    async with redis_history(server.url, **HASTY) as here, redis_history(server.url, **HASTY) as there:
        writer, reader = Member(here, retention=few), Member(there, retention=few)
        await writer.is_open()
        await reader.is_open()
        await writer.fill(5)
        await eventually(lambda: reader.seq == 5)
        _deafen(there)
        await writer.append(*[b"x"] * 100)
        await eventually(lambda: reader.seq == 105)

        assert reader.missing == [(6, 85)]
        assert len(reader.texts) == 25


def _deafen(history: RedisHistory) -> None:
    """Cut the wire for subscriptions, and the one for reads, in one moment."""
    history.store.shard_of("r").cut("deaf")


async def test_no_node_stays_deaf_when_its_subscription_leads_nowhere(new_redis: Callable[..., RedisServer]) -> None:
    """A subscription that Redis forgot, with a connection that answers every PING: only the probe can tell."""
    server = new_redis()
    async with redis_history(server.url, **HASTY) as history:
        member = await Member(history).is_open()
        shard = history.store.shard_of("r")
        news = shard._news.wire
        assert news is not None
        news.send("UNSUBSCRIBE")
        await asyncio.sleep(0.1)
        (outcome,) = await member.append(b"unheard")
        assert isinstance(outcome, Stored)

        await eventually(lambda: member.texts == [b"unheard"])


async def test_a_long_outage_ends_in_local_and_everything_comes_back(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(*AOF)
    async with traffic(server.url, settings={"hold_s": 1.0}) as bus:
        await bus.run(0.5)
        server.pause()
        running = asyncio.create_task(bus.run(4.0))
        await eventually(lambda: bus.nodes[0].state == "local")
        (refused,) = await bus.members[0][0].append(b"refused")
        assert refused == Rejected("Redis is out of reach")
        await eventually(lambda: all(m.links == ["local"] for members in bus.members for m in members))
        server.resume()
        await running
        await bus.settle()

        numbers = await bus.check()
        assert numbers["rejected"] > 0
        assert (numbers["acked_not_in_log"], numbers["missing"], numbers["resets"]) == (0, 0, 0)
        assert bus.slowest_s < 1.0 + 3 * 0.4
        assert all(m.links == ["local", "up"] for members in bus.members for m in members)


async def test_a_start_without_redis_is_local_and_a_redis_that_comes_later_is_found(
    new_redis: Callable[..., RedisServer],
) -> None:
    server = new_redis()
    server.kill()
    async with redis_history(server.url, timeout_s=0.4, hold_s=0.5) as history:
        assert await history.settled() == "local"
        member = Member(history)
        await eventually(lambda: member.links == ["local"])
        assert isinstance((await member.append(b"a"))[0], Rejected)
        server.start()

        await eventually(lambda: member.links == ["local", "up"])
        assert member.opened is not None
        assert isinstance((await member.append(b"a"))[0], Stored)


async def test_what_waits_is_bounded(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    async with redis_history(server.url, hold_messages=10, hold_bytes=100, **HASTY) as history:
        member = await Member(history).is_open()
        server.pause()
        waiting = [asyncio.create_task(member.append(b"x" * 10)) for _ in range(12)]
        await asyncio.sleep(0)
        assert history.n_held == 10
        server.resume()
        outcomes = [(await task)[0] for task in waiting]

        assert [type(outcome) for outcome in outcomes] == [Stored] * 10 + [Rejected] * 2
        assert history.n_held == 0


async def test_a_frame_of_somebody_elses_making_is_refused(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    async with redis_history(server.url, **HASTY) as history:
        member = await Member(history).is_open()
        server.do("PUBLISH", history.store.keys.feed("r", "c"), "nonsense")
        await member.fill(1)

        await eventually(lambda: member.seq == 1)

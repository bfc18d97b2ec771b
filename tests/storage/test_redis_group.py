"""Durable groups over several nodes: each event to one, until it is acknowledged. On a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from arqonbus.storage.history import Retention
from arqonbus.storage.redis_group import DurableGroup
from arqonbus.storage.redis_history import RedisHistory
from arqonbus.storage.redis_scripts import BUMP
from arqonbus.storage.redis_work import GroupInfo, GroupSetup, Work
from arqonbus.storage.shared_log import Rejected, Stored
from tests.storage.redis_node import redis_history
from tests.storage.redis_nodes_world import never
from tests.storage.redis_server import RedisServer
from tests.storage.shared_contract import MUCH, Member, eventually

pytestmark = pytest.mark.integration


class Site:
    """A group on one node, rung by the channel's feed."""

    def __init__(self, history: RedisHistory, **setup: Any) -> None:
        settings = {"name": "workers", "ack_wait_s": 0.3, "start": 0, **setup}
        self.group = DurableGroup(history.store, ("r", "c"), GroupSetup(**settings))
        self.given: dict[str, list[Work]] = {}

    def enter(self, client: str, most: int = 32) -> list[Work]:
        self.given[client] = []
        self.group.enter(client, self.given[client].append, most)
        return self.given[client]


@contextlib.asynccontextmanager
async def sites_of(
    url: str, n: int, retention: Retention = MUCH, **setup: Any
) -> AsyncIterator[tuple[Member, list[Site]]]:
    """Give a publisher, and ``n`` nodes with the group open."""
    async with contextlib.AsyncExitStack() as stack:
        settings = {"timeout_s": 0.5}
        nodes = [await stack.enter_async_context(redis_history(url, **settings)) for _ in range(n)]
        sites: list[Site] = []
        publisher = Member(nodes[0], retention=retention, durable=True)
        await publisher.is_open()
        for node in nodes:
            sites.append(Site(node, **setup))
            await sites[-1].group.open()
        take = publisher.take

        def ring(fed: Any) -> None:
            take(fed)
            for site in sites:
                site.group.ring()

        publisher.log._tell = ring  # type: ignore[attr-defined]
        yield publisher, sites
        for site in sites:
            await site.group.close()


def seqs(given: list[Work]) -> list[int]:
    return [work.seq for work in given]


async def test_each_event_goes_to_one_member_on_whichever_node(redis_server: RedisServer) -> None:
    async with sites_of(redis_server.url, 2) as (publisher, (here, there)):
        lists = [here.enter("a"), here.enter("b"), there.enter("c")]
        await publisher.append(*[b"%d" % i for i in range(60)])

        await eventually(lambda: sum(map(len, lists)) == 60)
        assert sorted(seqs([work for given in lists for work in given])) == list(range(1, 61))
        assert {work.text for given in lists for work in given} == {b"%d" % i for i in range(60)}
        assert len(lists[0]) - len(lists[1]) in (-1, 0, 1)


async def test_a_member_has_no_more_in_work_than_it_may(redis_server: RedisServer) -> None:
    async with sites_of(redis_server.url, 1, ack_wait_s=60.0) as (publisher, (here,)):
        given = here.enter("a", most=3)
        await publisher.append(*[b"x"] * 10)
        await eventually(lambda: len(given) == 3)
        await never(lambda: len(given) > 3, 0.05)

        assert await here.group.ack("a", publisher.epoch, [1, 2]) == 2
        await eventually(lambda: seqs(given) == [1, 2, 3, 4, 5])
        assert await here.group.ack("a", publisher.epoch, [1]) == 0
        assert await here.group.ack("nobody", publisher.epoch, [3]) == 0


async def test_what_is_not_acknowledged_in_time_is_given_again_and_says_so(redis_server: RedisServer) -> None:
    async with sites_of(redis_server.url, 1) as (publisher, (here,)):
        given = here.enter("a")
        await publisher.append(b"x", b"y")
        await eventually(lambda: len(given) == 2)
        await here.group.ack("a", publisher.epoch, [1])

        await eventually(lambda: len(given) == 3)
        assert given[2] == Work(publisher.epoch, 2, b"y", 2)


async def test_another_node_takes_over_from_a_dead_one(redis_server: RedisServer) -> None:
    async with sites_of(redis_server.url, 2) as (publisher, (here, there)):
        lost = here.enter("a")
        await publisher.append(*[b"x"] * 5)
        await eventually(lambda: len(lost) == 5)
        for task in here.group._tasks:
            task.cancel()
        taken = there.enter("b")

        await eventually(lambda: sorted(seqs(taken)) == [1, 2, 3, 4, 5])
        assert {work.n_given for work in taken} == {2}


async def test_what_a_member_had_goes_to_the_others_when_it_leaves(redis_server: RedisServer) -> None:
    async with sites_of(redis_server.url, 1, ack_wait_s=60.0) as (publisher, (here,)):
        first = here.enter("a")
        await publisher.append(*[b"x"] * 4)
        await eventually(lambda: len(first) == 4)
        second = here.enter("b")
        here.group.leave("a")
        here.group.leave("a")

        assert seqs(second) == [1, 2, 3, 4]
        assert {work.n_given for work in second} == {1}


async def test_what_the_last_member_of_a_node_had_goes_to_another_node_without_counting(
    redis_server: RedisServer,
) -> None:
    async with sites_of(redis_server.url, 2, ack_wait_s=0.9) as (publisher, (here, there)):
        first = here.enter("a")
        await publisher.append(*[b"x"] * 4)
        await eventually(lambda: len(first) == 4)
        here.group.leave("a")
        second = there.enter("b")

        await eventually(lambda: len(second) == 4)
        assert {work.n_given for work in second} == {2}


async def test_an_event_that_was_given_too_often_is_buried(redis_server: RedisServer) -> None:
    buried: list[Work] = []

    async def bury(work: Work) -> bool:
        buried.append(work)
        return len(buried) > 1  # the first time, the channel for such events did not take it

    async with sites_of(redis_server.url, 1, ack_wait_s=0.06, max_deliver=2, bury=bury) as (publisher, (here,)):
        given = here.enter("a")
        await publisher.append(b"poison")
        await eventually(lambda: len(buried) == 2)

        assert [work.n_given for work in given] == [1, 2]
        assert [(work.text, work.n_given) for work in buried] == [(b"poison", 3), (b"poison", 4)]
        await _until_info(here, GroupInfo(0, 0, 0, {}))


async def _until_info(site: Site, wanted: GroupInfo) -> None:
    for _ in range(500):
        info = await site.group.info()
        if info == wanted:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"expected {wanted}, got {info}")


async def test_how_a_group_stands_is_told(redis_server: RedisServer) -> None:
    async with sites_of(redis_server.url, 1, ack_wait_s=60.0) as (publisher, (here,)):
        await publisher.append(*[b"x"] * 5)
        assert await here.group.info() == GroupInfo(0, 5, 0, {})
        given = here.enter("a", most=2)
        await eventually(lambda: len(given) == 2)

        assert await here.group.info() == GroupInfo(2, 3, 1, {here.group._me: 2})
        assert await here.group.delete() is True
        assert await here.group.delete() is False
        assert await here.group.info() is None


async def test_the_first_ones_options_stand_and_a_group_may_begin_at_the_top(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        publisher = await Member(history, durable=True).is_open()
        await publisher.append(b"old")
        group = DurableGroup(history.store, ("r", "c"), GroupSetup("g", options=b"first"))
        assert await group.open() == b"first"
        again = DurableGroup(history.store, ("r", "c"), GroupSetup("g", options=b"second"))
        assert await again.open() == b"first"
        given: list[Work] = []
        group.enter("a", given.append)
        await publisher.append(b"new")
        group.ring()

        await eventually(lambda: [work.text for work in given] == [b"new"])
        await group.close()
        await again.close()


async def test_retention_leaves_what_a_group_still_needs_and_a_full_log_refuses(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arqonbus.storage import redis_line

    monkeypatch.setattr(redis_line, "MOST_GROUPED", 20)
    few = Retention(5, 3600.0, 1_000_000)
    async with sites_of(redis_server.url, 1, retention=few, ack_wait_s=60.0) as (publisher, (here,)):
        await publisher.append(*[b"x"] * 20)
        (refused,) = await publisher.append(b"y")
        assert isinstance(refused, Rejected)
        assert refused.reason.startswith("FULL")

        given = here.enter("a", most=100)
        await eventually(lambda: len(given) == 20)
        await here.group.ack("a", publisher.epoch, list(range(1, 19)))
        publisher.log.retain(few)
        await eventually(lambda: publisher.seq == 20)
        assert (await publisher.log.read(limit=1)).first == 16
        assert isinstance((await publisher.append(b"y"))[0], Stored)


async def test_after_a_failover_everything_is_given_at_least_once(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis("--appendonly", "yes", "--appendfsync", "always")
    async with sites_of(server.url, 2) as (publisher, (here, there)):
        lists = [here.enter("a"), there.enter("b")]
        for i in range(30):
            await publisher.append(b"%d" % i)
            if i == 15:
                server.kill()
                server.start()

        await eventually(lambda: {work.text for given in lists for work in given} == {b"%d" % i for i in range(30)})


async def test_a_change_of_epoch_loses_nothing(redis_server: RedisServer) -> None:
    async with sites_of(redis_server.url, 1) as (publisher, (here,)):
        given = here.enter("a")
        await publisher.append(*[b"%d" % i for i in range(4)])
        await eventually(lambda: len(given) == 4)
        await here.group.ack("a", publisher.epoch, [1, 2])
        epoch, store = int(publisher.epoch), here.group._store
        args = (store.keys.log("r", "c"), store.keys.feed("r", "c"), "PUBLISH", epoch, epoch + 9, 10**9)
        redis_server.do("EVAL", BUMP.text, 1, *args)
        here.group.renumbered()

        await eventually(lambda: len(given) == 6)
        assert given[4:] == [Work(str(epoch + 9), 3, b"2", 2), Work(str(epoch + 9), 4, b"3", 2)]


async def test_a_group_that_was_lost_with_its_log_is_made_again(redis_server: RedisServer) -> None:
    async with sites_of(redis_server.url, 1) as (publisher, (here,)):
        given = here.enter("a")
        await publisher.append(b"before")
        await eventually(lambda: len(given) == 1)
        redis_server.do("FLUSHALL")
        redis_server.do("CLIENT", "KILL", "TYPE", "pubsub")
        await eventually(lambda: publisher.n_resets == 1)
        await publisher.append(b"after")

        await eventually(lambda: given[-1].text == b"after")

"""A feed carries out what its sequencer decides. Faults of Redis itself are tried in test_redis_faults."""

from __future__ import annotations

import pytest

from arqonbus.storage.history import Retention
from arqonbus.storage.redis_feed import PAGE_ENTRIES, Feed
from arqonbus.storage.redis_keys import Keys
from arqonbus.storage.redis_scripts import APPEND, BUMP
from arqonbus.storage.redis_subscriptions import Ear
from arqonbus.storage.shared_log import Reset
from tests.storage.redis_node import redis_history
from tests.storage.redis_server import RedisServer
from tests.storage.shared_contract import Member, eventually

pytestmark = pytest.mark.integration


async def test_a_hole_in_what_was_heard_is_filled_from_the_log(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        member = await Member(history, retention=Retention(10_000, 3600.0, 10**9)).is_open()
        _append_unheard(redis_server, member, 2 * PAGE_ENTRIES)
        await member.append(b"last")

        await eventually(lambda: member.seq == 2 * PAGE_ENTRIES + 1)
        assert member.missing == []
        assert member.texts[-1] == b"last"


def _append_unheard(server: RedisServer, member: Member, n: int) -> None:
    """Append as another node does, but publish to nobody."""
    with server.client() as client:
        keys = [Keys("t").log("r", "c"), "x", "x", "x"]
        parts = [part for i in range(n) for part in ("", f"unheard.{i}", b"%d" % i)]
        head = ("nobody", "PUBLISH", 100_000, member.epoch, 1, 10**9, 0, 0, 10**13, "", 0)
        client.eval(APPEND.text, 4, *keys, *head, *parts)


async def test_a_new_epoch_is_told_as_a_reset(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        member = await Member(history).is_open()
        await member.fill(3)
        key, feed = history.store.keys.log("r", "c"), history.store.keys.feed("r", "c")
        epoch = int(member.epoch)
        redis_server.do("EVAL", BUMP.text, 1, key, feed, "PUBLISH", epoch, epoch + 5, 60_000)

        await eventually(lambda: member.n_resets == 1)
        assert member.fed[-1] == Reset(str(epoch + 5), 3, "replaced")
        await member.append(b"next")
        await eventually(lambda: member.seq == 4)


async def test_a_log_that_vanished_is_made_anew_with_its_note(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        member = await Member(history, note=b"options").is_open()
        await member.fill(3)
        redis_server.do("FLUSHALL")
        redis_server.do("CLIENT", "KILL", "TYPE", "pubsub")

        await eventually(lambda: member.n_resets == 1)
        assert (member.seq, member.fed[-1]) == (0, Reset(member.epoch, 0, "lost"))
        await eventually(lambda: redis_server.do("GET", history.store.keys.note("r", "c")) == "options")
        assert await history.channels("r") == ["c"]
        await member.fill(1)
        await eventually(lambda: member.seq == 1)


async def test_a_hot_feed_forgets_marks_of_what_is_old(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        member = await Member(history).is_open()
        await member.append(*[b"x"] * 200)
        await eventually(lambda: member.seq == 200)
        feed = member.log.feed  # type: ignore[attr-defined]

        assert feed.forget() is True
        assert feed.forget() is True
        assert feed.forget() is False


async def test_a_read_that_redis_refuses_is_made_again(redis_server: RedisServer) -> None:
    async with redis_history(redis_server.url) as history:
        member = await Member(history).is_open()
        await member.fill(2)
        key = history.store.keys.log("r", "c")
        redis_server.do("RENAME", key, "aside")
        redis_server.do("SET", key, "x")
        redis_server.do("CLIENT", "KILL", "TYPE", "pubsub")
        await eventually(
            lambda: "redis_read_failed" in history.store.setup.notice.events  # type: ignore[attr-defined]
        )
        redis_server.do("DEL", key)
        redis_server.do("RENAME", "aside", key)

        await eventually(lambda: history.state == "up")
        await member.fill(1)
        await eventually(lambda: member.seq == 3)
        assert member.n_resets == 0


async def test_nothing_is_told_while_appends_are_refused(redis_server: RedisServer) -> None:
    """News may be heard again before there is a wire for appends: a channel that took them for the end of the outage
    would have its events refused."""
    async with redis_history(redis_server.url) as history, redis_history(redis_server.url) as other:
        member, far = await Member(history).is_open(), await Member(other).is_open()
        feed = member.log.feed  # type: ignore[attr-defined] # of a RedisLog
        link = feed.shard.link
        link.state = "local"
        feed.went_local()
        await far.append(b"heard too soon")
        await eventually(lambda: far.seq == 1)
        feed.confirmed()
        await _heard_all(feed)
        assert (member.links, member.texts) == (["local"], [])

        link.state = "up"
        feed.came_back()
        feed.came_back()
        await eventually(lambda: member.links == ["local", "up"])
        assert member.texts == [b"heard too soon"]


async def _heard_all(feed: Feed) -> None:
    """Wait until what Redis had published before now is heard."""
    heard: list[bytes] = []
    feed.shard.subscriptions.add("t:drained", Ear(heard.append))

    def is_heard() -> bool:
        feed.shard.call(lambda answer: None, "PUBLISH", "t:drained", "?")
        return bool(heard)

    await eventually(is_heard)
    feed.shard.subscriptions.remove("t:drained")

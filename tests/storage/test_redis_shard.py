"""One primary and its wires: what its state says, and how it finds out. On a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from arqonbus.storage.redis_address import Where, parse
from arqonbus.storage.redis_reads import TRIM
from arqonbus.storage.redis_shard import SCRIPTS, Shard, ShardSetup
from arqonbus.storage.redis_wire import WireLost
from tests.storage.redis_node import Notices
from tests.storage.redis_server import RedisServer, free_port
from tests.storage.shared_contract import eventually

pytestmark = pytest.mark.integration


class Desk:
    """A shard, with what it says."""

    def __init__(self, url: str, timeout_s: float = 0.3, hold_s: float = 5.0) -> None:
        self.states: list[str] = []
        self.n_wires = 0
        self.n_looks = 0
        self.redis_ms = 0
        self.notices = Notices()
        self.where = parse(url).hosts[0]
        setup = ShardSetup(
            address=parse(url),
            timeout_s=timeout_s,
            hold_s=hold_s,
            name="arqonbus-test",
            random=lambda: 0.5,
            on_state=lambda shard, state: self.states.append(state),
            on_wires=self._wires,
            look_around=self._look,
            on_time=lambda ms: setattr(self, "redis_ms", ms),
            notice=self.notices,
        )
        self.shard = Shard(setup, self._find, "probe-of-mine")
        self.shard.start()

    async def _find(self) -> Where:
        return self.where

    def _wires(self, shard: Shard) -> None:
        self.n_wires += 1

    def _look(self) -> None:
        self.n_looks += 1

    async def up(self) -> Desk:
        await eventually(lambda: self.shard.link.state == "up")
        return self


@pytest.fixture
async def desks() -> AsyncIterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(*args: Any, **more: Any) -> Desk:
        made.append(Desk(*args, **more))
        return made[-1]

    yield make
    for desk in made:
        desk.shard.close()
        desk.shard.close()
    await asyncio.sleep(0)


async def test_it_comes_up_and_knows_redis_clock(desks: Callable[..., Desk], redis_server: RedisServer) -> None:
    desk = await desks(redis_server.url).up()

    assert desk.states == ["resync", "up"]
    assert desk.n_wires == 2
    assert desk.redis_ms > 1_700_000_000_000
    assert desk.shard.at == desk.where
    names = [client["name"] for client in _clients(redis_server) if client["name"]]
    assert names == ["arqonbus-test"] * 3


def _clients(server: RedisServer) -> list[dict[str, str]]:
    with server.client() as client:
        return list(client.client_list())


async def test_scripts_are_known_to_redis_before_anybody_calls(
    desks: Callable[..., Desk], redis_server: RedisServer
) -> None:
    redis_server.do("SCRIPT", "FLUSH")
    await desks(redis_server.url).up()

    assert redis_server.do("SCRIPT", "EXISTS", *[script.sha for script in SCRIPTS]) == [1] * len(SCRIPTS)


async def test_calls_go_by_their_wires(desks: Callable[..., Desk], redis_server: RedisServer) -> None:
    desk = await desks(redis_server.url).up()
    answers: list[Any] = []
    desk.shard.call(answers.append, "ECHO", "a")
    desk.shard.ask(answers.append, "ECHO", "b")
    desk.shard.run(answers.append, TRIM, "log", "note", 0, 1, 1, 0)
    desk.shard.read(answers.append, TRIM, "log", "note", 0, 1, 1, 0)
    assert desk.shard.is_open
    assert desk.shard.n_appends == 2

    await eventually(lambda: len(answers) == 4)
    assert sorted(answers, key=str) == sorted([b"a", b"b", 0, 0], key=str)


async def test_before_there_are_wires_calls_are_answered_at_once(desks: Callable[..., Desk]) -> None:
    desk = desks(f"redis://127.0.0.1:{free_port()}")
    answers: list[Any] = []
    desk.shard.call(answers.append, "PING")
    desk.shard.ask(answers.append, "PING")

    assert [answer.was_sent for answer in answers] == [False, False]
    assert (desk.shard.is_open, desk.shard.n_appends) == (False, 0)


async def test_without_redis_it_is_local_after_its_patience(desks: Callable[..., Desk]) -> None:
    desk = desks(f"redis://127.0.0.1:{free_port()}", timeout_s=0.1, hold_s=0.2)

    await eventually(lambda: desk.states == ["local"])
    assert desk.notices.events[0] == "redis_lost"
    assert desk.notices.events.count("redis_lost") < 4


async def test_a_hang_is_found_out_and_mended(
    desks: Callable[..., Desk], new_redis: Callable[..., RedisServer]
) -> None:
    server = new_redis()
    desk = await desks(server.url, timeout_s=0.2, hold_s=0.3).up()
    server.pause()
    waiting: list[Any] = []
    desk.shard.call(waiting.append, "PING")

    await eventually(lambda: waiting)
    assert isinstance(waiting[0], WireLost)
    assert waiting[0].was_sent
    await eventually(lambda: desk.states[2:] == ["holding", "local"])
    server.resume()
    await eventually(lambda: desk.states[2:] == ["holding", "local", "resync", "up"])


async def test_one_lost_wire_is_a_link_that_is_down_for_a_moment(
    desks: Callable[..., Desk], redis_server: RedisServer
) -> None:
    desk = await desks(redis_server.url).up()
    redis_server.do("CLIENT", "KILL", "TYPE", "pubsub")

    await eventually(lambda: desk.states == ["resync", "up", "holding", "resync", "up"])


async def test_a_copy_is_not_taken_for_a_primary(
    desks: Callable[..., Desk], new_redis: Callable[..., RedisServer]
) -> None:
    server = new_redis("--replicaof", f"127.0.0.1 {free_port()}")
    desk = desks(server.url)
    await eventually(lambda: desk.notices.said)

    assert desk.notices.said[0] == ("redis_lost", {"reason": "expected a primary, got a slave"})
    server.do("REPLICAOF", "NO", "ONE")
    await desk.up()


async def test_a_primary_that_becomes_a_copy_is_cut(
    desks: Callable[..., Desk], new_redis: Callable[..., RedisServer]
) -> None:
    server = new_redis()
    desk = await desks(server.url, timeout_s=0.1).up()
    server.do("REPLICAOF", "127.0.0.1", 1)

    await eventually(lambda: ("redis_cut", {"reason": "it is no primary any more"}) in desk.notices.said)
    assert desk.n_looks > 0


async def test_a_subscription_that_leads_nowhere_is_found_out(
    desks: Callable[..., Desk], new_redis: Callable[..., RedisServer]
) -> None:
    server = new_redis()
    desk = await desks(server.url, timeout_s=0.1).up()
    assert desk.shard._news.wire is not None
    desk.shard._news.wire.send("UNSUBSCRIBE", "probe-of-mine")

    await eventually(lambda: ("redis_cut", {"reason": "what was published did not come back"}) in desk.notices.said)
    await desk.up()


async def test_an_attempt_can_be_hurried(desks: Callable[..., Desk], new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    server.kill()
    desk = desks(server.url)
    await eventually(lambda: desk.notices.said)
    server.start()
    desk.shard.hurry()

    await desk.up()

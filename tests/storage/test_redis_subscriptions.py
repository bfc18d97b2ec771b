"""Who listens to what, across wires. On a real Redis."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from arqonbus.storage.redis_subscriptions import NAMES_A_COMMAND, Subscriptions
from arqonbus.storage.redis_wire import Wire
from tests.storage.redis_server import RedisServer
from tests.storage.shared_contract import eventually
from tests.storage.test_redis_wire import opened

pytestmark = pytest.mark.integration


class Ear:
    """Writes down what it hears."""

    def __init__(self, well: bool = True) -> None:
        self.heard: list[Any] = []
        self.well = well

    def confirmed(self) -> bool:
        self.heard.append("confirmed")
        return self.well

    def message(self, data: bytes) -> None:
        self.heard.append(data)

    def broken(self) -> None:
        self.heard.append("broken")


class Desk:
    """Subscriptions, with what they say."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.subscriptions = Subscriptions(
            False, lambda: self.said.append("settled"), lambda: self.said.append("moved")
        )

    async def connect(self, url: str) -> Wire:
        wire, _ = await opened(url, on_push=self.subscriptions.take)
        self.subscriptions.connect(wire)
        return wire


async def test_a_listener_hears_what_is_said_after_the_confirmation(redis_server: RedisServer) -> None:
    desk, ear = Desk(), Ear()
    wire = await desk.connect(redis_server.url)
    desk.subscriptions.add("a", ear)
    await eventually(lambda: ear.heard == ["confirmed"])
    redis_server.do("PUBLISH", "a", "x")
    redis_server.do("PUBLISH", "b", "y")

    await eventually(lambda: ear.heard == ["confirmed", b"x"])
    assert desk.subscriptions.is_settled
    wire.close()


async def test_who_listens_no_more_hears_nothing(redis_server: RedisServer) -> None:
    desk, ear, other = Desk(), Ear(), Ear()
    wire = await desk.connect(redis_server.url)
    desk.subscriptions.add("a", ear)
    desk.subscriptions.add("b", other)
    await eventually(lambda: ear.heard and other.heard)
    desk.subscriptions.remove("a")
    desk.subscriptions.remove("never there")
    await eventually(lambda: redis_server.do("PUBSUB", "CHANNELS") == ["b"])

    assert ear.heard == ["confirmed"]
    assert len(desk.subscriptions) == 1
    wire.close()


async def test_everybody_listens_again_by_another_wire_and_knows_of_the_break(redis_server: RedisServer) -> None:
    desk, ears = Desk(), [Ear() for _ in range(NAMES_A_COMMAND * 2 + 3)]
    for i, ear in enumerate(ears):
        desk.subscriptions.add(f"c{i}", ear)
    assert not desk.subscriptions.is_settled
    wire = await desk.connect(redis_server.url)
    await eventually(lambda: desk.said == ["settled"])
    wire.close()
    desk.subscriptions.disconnect()
    desk.subscriptions.disconnect()
    assert not desk.subscriptions.is_settled
    wire = await desk.connect(redis_server.url)

    await eventually(lambda: desk.said == ["settled", "settled"])
    assert all(ear.heard == ["confirmed", "broken", "confirmed"] for ear in ears)
    wire.close()


async def test_it_is_settled_when_all_say_that_they_are_well(redis_server: RedisServer) -> None:
    desk, well, unwell = Desk(), Ear(), Ear(well=False)
    desk.subscriptions.add("a", well)
    desk.subscriptions.add("b", unwell)
    wire = await desk.connect(redis_server.url)
    await eventually(lambda: well.heard and unwell.heard)
    assert not desk.subscriptions.is_settled

    desk.subscriptions.settled("b")
    desk.subscriptions.settled("b")
    assert desk.subscriptions.is_settled
    assert desk.said == ["settled"]
    wire.close()


async def test_with_nobody_to_listen_it_is_settled_at_once(redis_server: RedisServer) -> None:
    desk = Desk()
    wire = await desk.connect(redis_server.url)

    assert desk.said == ["settled"]
    wire.close()


async def test_a_confirmation_that_does_not_come_is_overdue(redis_server: RedisServer) -> None:
    desk, ear = Desk(), Ear()
    wire = await desk.connect(redis_server.url)
    now = asyncio.get_running_loop().time()
    desk.subscriptions.add("a", ear)
    assert desk.subscriptions.is_overdue(now + 5)
    assert not desk.subscriptions.is_overdue(now)
    await eventually(lambda: ear.heard)

    assert not desk.subscriptions.is_overdue(now + 5)
    wire.close()


async def test_what_redis_ended_by_itself_is_asked_for_again(redis_server: RedisServer) -> None:
    desk, ear = Desk(), Ear()
    wire = await desk.connect(redis_server.url)
    desk.subscriptions.add("a", ear)
    await eventually(lambda: ear.heard)
    wire.send("UNSUBSCRIBE", "a")
    desk.subscriptions.take([b"sunsubscribe", b"a", 0])
    assert (ear.heard, desk.said[-1]) == (["confirmed", "broken"], "moved")

    await eventually(lambda: ear.heard == ["confirmed", "broken", "confirmed"])
    desk.subscriptions.take([b"sunsubscribe", b"never there", 0])
    desk.subscriptions.take([b"sunsubscribe", None, 0])
    wire.close()


async def test_an_error_on_the_wire_ends_it(redis_server: RedisServer) -> None:
    desk = Desk()
    wire = await desk.connect(redis_server.url)
    wire.send("SUBSCRIBE")

    await eventually(lambda: not wire.is_open)
    assert desk.said == ["settled", "moved"]


def test_in_a_cluster_one_command_names_channels_of_one_slot() -> None:
    subscriptions = Subscriptions(True, lambda: None, lambda: None)

    names = sorted([b"t:{a}:1", b"t:{b}:1", b"t:{a}:2"])
    assert list(subscriptions._chunks(names)) == [[b"t:{a}:1", b"t:{a}:2"], [b"t:{b}:1"]]

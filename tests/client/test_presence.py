"""A handle that follows who is there."""

import asyncio
from collections.abc import Callable

import pytest

from arqonbus.client import Bus, BusClosed, Denied, Expired
from tests.client.scripted import ScriptedServer, pause

ANA = {"client": "c-ana", "user": "ana", "profile": {"screen_name": "Ana"}, "joined_at": "t"}
PLACE = {"room": "science", "channel": "explore"}


def present(frame: object) -> object:
    return {**PLACE, "epoch": "e1", "seq": 0, "recovered": False, "members": 1, "present": [ANA]}


@pytest.mark.rules("R47")
async def test_it_begins_with_who_is_there_and_gives_changes(server: ScriptedServer, bus: Bus) -> None:
    server.answers["join_channel"] = present
    async with bus.presence("science:explore") as here:
        assert here.members["c-ana"].profile.screen_name == "Ana"
        assert (here.count, here.is_listed) == (1, True)

        joined = {"client": "c-2", "user": None, "profile": {}, "joined_at": "t", "count": 2}
        server.socket.say(type="system", event="member_joined", payload=joined, **PLACE)
        change = await anext(here)

        assert (change.kind, change.client, change.count) == ("joined", "c-2", 2)
        assert sorted(here.members) == ["c-2", "c-ana"]


@pytest.mark.rules("R47")
async def test_after_a_reconnect_there_is_one_reset(server: ScriptedServer, bus: Bus) -> None:
    server.answers["join_channel"] = present
    async with bus.presence("science:explore") as here:
        server.socket.end(1006)

        change = await here.get(timeout_s=2)

    assert (change.kind, change.count) == ("reset", 1)


async def test_refused_it_says_why(server: ScriptedServer, bus: Bus) -> None:
    server.answers["join_channel"] = lambda frame: {"error": {"code": "forbidden"}}

    with pytest.raises(Denied):
        await bus.presence("science:explore").open()


async def test_without_an_answer_it_is_given_up(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    bus = await make_bus(timeout_s=0.02).open()
    server.answers["join_channel"] = lambda frame: None

    with pytest.raises(Expired, match="who is in science:explore"):
        await bus.presence("science:explore").open()


async def test_it_ends_with_the_bus_or_by_hand(server: ScriptedServer, bus: Bus) -> None:
    here = await bus.presence("science:explore").open()
    other = await bus.presence("science:explore").open()
    reading = asyncio.create_task(_collect(here))
    await pause()

    here.close()
    here.close()
    assert await reading == []
    with pytest.raises(EOFError):
        await here.get()
    server.socket.end(4503)

    with pytest.raises(BusClosed):
        await anext(other)
    assert isinstance(other.error, BusClosed)


async def test_a_limit_on_the_wait(bus: Bus) -> None:
    async with bus.presence("science:explore") as here:
        with pytest.raises(TimeoutError):
            await here.get(timeout_s=0.01)


@pytest.mark.parametrize("address", ["science", "no name!"])
async def test_it_is_of_a_channel_or_of_all_of_a_room(bus: Bus, address: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        bus.presence(address)


async def _collect(here: object) -> list[object]:
    return [change async for change in here]  # type: ignore[attr-defined]

"""A whole bus inside of the test: the real actors, the real SDK, no socket, no waiting."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from arqonbus.client import Gap, NoResponder, StateChange, Unauthorized, Will
from arqonbus.config import Settings
from arqonbus.config.settings import Auth, History
from arqonbus.testing.local import LocalBus


@pytest.fixture
async def local() -> AsyncIterator[LocalBus]:
    async with LocalBus(seed=1) as local:
        yield local


async def test_clients_talk_and_no_time_passes(local: LocalBus) -> None:
    async with local.connect() as ana, local.connect() as bob, bob.subscribe("science:explore") as channel:
        ack = await ana.publish("science:explore", {"n": 1}, ack=True)
        message = await channel.get()

        assert (message.data, message.seq, message.sender) == ({"n": 1}, 1, ana.client)
        assert message.timestamp == "2026-01-01T00:00:00.000Z"
        assert ack is not None and ack.stored == "memory"
        assert local.clock.time() == 1000.0


@pytest.mark.rules("R17")
async def test_an_idle_hour_keeps_its_connection(local: LocalBus) -> None:
    start = time.monotonic()
    async with local.connect() as bus:
        await local.advance(7)
        await bus.ping()
        await local.advance(3600)

        assert bus.stats().sessions == 1
        assert bus.state == "connected"
    assert time.monotonic() - start < 30


@pytest.mark.rules("R17")
async def test_a_half_open_connection_is_noticed(local: LocalBus) -> None:
    changes: list[StateChange] = []
    async with local.connect(on_state=changes.append) as bus:
        local.silence()
        await local.advance(30)

        assert [change.cause for change in changes][2:] == ["silent", "resumed"]
        assert bus.state == "connected"


@pytest.mark.rules("R29")
async def test_after_a_cut_nothing_is_missing(local: LocalBus) -> None:
    async with local.connect() as ana, local.connect() as bob, bob.subscribe("science:explore") as channel:
        await ana.publish("science:explore", 1, ack=True)
        local.cut()
        late = asyncio.create_task(ana.publish("science:explore", 2, ack=True))
        await local.advance(2)
        await late

        assert [(await channel.get()).data for _ in range(2)] == [1, 2]
        assert bob.stats().sessions == 2


@pytest.mark.rules("R35")
async def test_a_new_server_is_a_new_epoch(local: LocalBus) -> None:
    gaps: list[Gap] = []
    async with local.connect() as bus, bus.subscribe("science:explore", on_gap=gaps.append) as channel:
        await bus.publish("science:explore", 1, ack=True)
        local.restart()
        await local.advance(2)
        await bus.publish("science:explore", 2, ack=True)

        assert [(await channel.get()).data for _ in range(2)] == [1, 2]
        assert [(gap.reason, gap.exact) for gap in gaps] == [("epoch_changed", False)]


@pytest.mark.rules("R12", "R22")
async def test_a_server_that_is_away_is_looked_for_and_what_waits_expires(local: LocalBus) -> None:
    errors: list[Exception] = []
    async with local.connect(on_error=errors.append) as bus:
        local.is_reachable = False
        local.cut()
        await local.settle()
        await bus.publish("science:explore", "too old")
        await local.advance(120)
        assert bus.state == "reconnecting"
        assert bus.stats().dials > 10

        local.is_reachable = True
        await local.advance(15)

        assert bus.state == "connected"
        assert [getattr(error, "code", None) for error in errors] == ["expired"]


@pytest.mark.rules("R15", "R16")
async def test_a_drain_sends_clients_away_and_they_come_back(local: LocalBus) -> None:
    changes: list[StateChange] = []
    async with local.connect(on_state=changes.append) as bus:
        await local.settle()
        local.drain(spread_s=2.0)
        await local.advance(2)
        local.restart()
        await local.advance(15)

        assert [change.code for change in changes if change.after == "reconnecting"][0] == 4000
        assert bus.state == "connected"


async def test_a_will_is_published_when_the_client_stays_away(local: LocalBus) -> None:
    async with local.connect() as bob, bob.subscribe("science:explore") as channel:
        lost = await local.connect(will=Will("science:explore", "gone")).open()
        local._wires[-1].cut()
        local.is_reachable = False
        await local.advance(local.settings.server.resume_grace_s + 1)

        assert (await channel.get()).data == "gone"
        assert lost.state == "reconnecting"


async def test_requests_find_nobody_at_once(local: LocalBus) -> None:
    async with local.connect() as bus:
        with pytest.raises(NoResponder):
            await bus.request(to="c-nobody")


async def test_settings_are_those_of_the_server() -> None:
    settings = Settings(auth=Auth(keys={"alice": "key-of-alice"}), history=History(limit=2))
    async with LocalBus(settings) as local:
        async with local.connect(token="key-of-alice") as bus:
            for n in range(4):
                await bus.publish("science:explore", n, ack=True)
            page = await bus.history("science:explore")

        assert bus.user == "alice"
        assert [message.data for message in page.messages] == [3, 2]
        with pytest.raises(Unauthorized):
            async with local.connect(token="wrong"):
                pass


async def test_an_envelope_that_is_refused_is_told(local: LocalBus) -> None:
    errors: list[Exception] = []
    async with local.connect(on_error=errors.append) as bus:
        await bus.publish("science:_explore", 1)
        await local.settle()

    assert [getattr(error, "code", None) for error in errors] == ["forbidden"]


async def test_many_messages_wait_for_the_room_that_there_is(local: LocalBus) -> None:
    async with local.connect() as bus, bus.subscribe("science:explore", queue=10_000) as channel:
        for n in range(5000):
            await bus.publish("science:explore", n)

        assert [(await channel.get()).data for _ in range(5000)] == list(range(5000))

"""The caller: order, room, and callers that give up."""

import asyncio
from collections.abc import Callable

import pytest

from arqonbus.client import Bus, Expired, OutboxFull
from tests.client.scripted import ScriptedServer, pause


@pytest.mark.rules("R21")
async def test_while_connected_a_call_waits_for_room(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    bus = await make_bus(outbox_messages=2).open()
    server.socket.may_write.clear()
    calls = [asyncio.create_task(bus.publish("science:explore", n)) for n in range(6)]
    await pause()
    assert sum(call.done() for call in calls) < 6

    server.socket.may_write.set()
    await asyncio.gather(*calls)
    await server.until(lambda: len(server.frames) == 6)

    assert [frame["payload"] for frame in server.frames] == [0, 1, 2, 3, 4, 5]


@pytest.mark.rules("R21")
async def test_calls_that_wait_for_room_are_refused_when_the_connection_goes(
    server: ScriptedServer, make_bus: Callable[..., Bus]
) -> None:
    bus = await make_bus(outbox_messages=1).open()
    server.socket.may_write.clear()
    server.failures = [OSError("down")] * 1000
    await bus.publish("science:explore", 0)
    await pause()
    calls = [asyncio.create_task(bus.publish("science:explore", n)) for n in (1, 2, 3)]
    await pause()

    server.socket.end(1006)
    results = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(result) for result in results].count(OutboxFull) == 2


@pytest.mark.rules("R21", "R26")
async def test_room_that_does_not_come_is_an_error(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    bus = await make_bus(outbox_messages=1, outbox_ttl_s=0.05).open()
    server.answers["event"] = lambda frame: None
    first = asyncio.create_task(bus.publish("science:explore", 0, ack=True, timeout_s=10))
    await pause()

    with pytest.raises(Expired, match="no room"):
        await bus.publish("science:explore", 1)
    first.cancel()


@pytest.mark.rules("R26")
async def test_a_caller_that_is_cancelled_before_it_was_sent_sends_nothing(
    server: ScriptedServer, make_bus: Callable[..., Bus]
) -> None:
    bus = await make_bus().open()
    server.socket.may_write.clear()
    await bus.publish("science:explore", "first")
    call = asyncio.create_task(bus.publish("science:explore", "second", ack=True))
    await pause()

    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    server.socket.may_write.set()
    await pause()

    assert [frame["payload"] for frame in server.frames] == ["first"]
    assert bus.stats().outbox_messages == 0

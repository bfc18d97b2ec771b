"""The changes of a bus as an iterator."""

import asyncio

import pytest

from arqonbus.client import Bus
from arqonbus.client.state import StateChange
from arqonbus.client.states import MOST_CHANGES, States
from tests.client.scripted import ScriptedServer, pause


@pytest.mark.rules("R2")
async def test_changes_come_in_order_and_end_behind_closed(server: ScriptedServer, bus: Bus) -> None:
    states = bus.states()
    server.socket.end(1006, "cut")
    await server.until(lambda: len(server.greetings) == 2)
    await pause()
    await bus.close()

    changes = [change async for change in states]

    assert [(change.before, change.after, change.cause) for change in changes] == [
        ("connected", "reconnecting", "lost"),
        ("reconnecting", "connected", "resumed"),
        ("connected", "closed", "user"),
    ]
    assert (changes[0].code, changes[0].reason, changes[0].retry_in_s) == (1006, "cut", 0.0)


async def test_a_reader_that_waits_is_woken() -> None:
    states = States()
    waiting = asyncio.ensure_future(anext(states))
    await asyncio.sleep(0)

    states.put(StateChange("idle", "connecting", "user"))

    assert (await waiting).after == "connecting"


async def test_a_reader_that_is_far_behind_gets_the_newest() -> None:
    states = States()
    for n in range(MOST_CHANGES + 5):
        states.put(StateChange("reconnecting", "reconnecting", "dial_failed", n))

    assert (await anext(states)).attempt == 5


async def test_an_iterator_that_nobody_holds_is_told_no_more(bus: Bus) -> None:
    for _ in range(100):
        bus.states()

    assert len(bus._states) == 0

"""The driver: dials, reads, writes and waits as the core says."""

import asyncio
import json
from collections.abc import Callable

import pytest

from arqonbus.actor.testing import FakeClock
from arqonbus.client import Bus, CannotConnect, Unauthorized
from tests.client.scripted import ScriptedServer, pause


@pytest.mark.rules("R6", "R9")
async def test_a_token_text_goes_into_the_greeting(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    await make_bus(token="secret").open()

    assert server.urls == ["ws://bus.test/"]
    assert server.greetings[0]["args"]["token"] == "secret"


@pytest.mark.rules("R9")
async def test_a_token_function_is_asked_for_every_dial(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    reasons: list[str] = []

    async def token(reason: str) -> str:
        reasons.append(reason)
        return f"token-{len(reasons)}"

    await make_bus(token=token).open()
    server.socket.end(1006)
    await server.until(lambda: len(server.greetings) == 2)
    server.socket.end(4001)
    await server.until(lambda: len(server.greetings) == 3)

    assert reasons == ["first", "reconnect", "expired"]
    assert [greeting["args"]["token"] for greeting in server.greetings] == ["token-1", "token-2", "token-3"]


@pytest.mark.rules("R9")
async def test_a_token_function_may_be_plain_and_may_end_the_bus(make_bus: Callable[..., Bus]) -> None:
    def token(reason: str) -> str:
        raise Unauthorized("log in first")

    with pytest.raises(Unauthorized, match="log in first"):
        await make_bus(token=token).open()


@pytest.mark.rules("R6", "R10")
async def test_dials_go_on_until_one_leads_to_a_session(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    server.failures = [OSError("refused"), ValueError("odd"), TimeoutError()]

    bus = await make_bus().open()

    assert bus.state == "connected" and len(server.urls) == 4


@pytest.mark.rules("R6")
async def test_a_dial_that_hangs_is_given_up(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    server.is_silent = True
    bus = make_bus(dial_timeout_s=0.02, open_timeout_s=0.1)

    with pytest.raises(CannotConnect, match="within"):
        await bus.open()

    assert len(server.sockets) > 1
    assert all(socket.was_aborted for socket in server.sockets[:-1])


@pytest.mark.rules("R6")
async def test_a_dial_that_is_given_up_is_cancelled(make_bus: Callable[..., Bus]) -> None:
    ended: list[str] = []

    async def dial(url: str, options: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    with pytest.raises(CannotConnect):
        await make_bus(dialler=dial, dial_timeout_s=0.02, open_timeout_s=0.05).open()

    assert len(ended) >= 2


@pytest.mark.rules("R17")
async def test_time_is_that_of_the_clock_that_is_given(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    clock = FakeClock()
    bus = await make_bus(clock=clock).open()

    clock.advance(24.9)
    assert bus.state == "connected"
    clock.advance(0.2)

    assert bus.state == "reconnecting"
    assert server.sockets[0].was_aborted
    clock.advance(1)
    await server.until(lambda: len(server.greetings) == 2)


@pytest.mark.rules("R19")
async def test_frames_are_written_one_after_the_other_while_the_transport_is_full(
    server: ScriptedServer, bus: Bus
) -> None:
    server.socket.may_write.clear()
    for n in range(5):
        await bus.publish("science:explore", n)
    await pause()
    assert server.frames == []

    server.socket.may_write.set()
    await server.until(lambda: len(server.frames) == 5)

    assert [frame["payload"] for frame in server.frames] == [0, 1, 2, 3, 4]


@pytest.mark.rules("R5")
async def test_what_an_old_socket_still_says_is_ignored(server: ScriptedServer, bus: Bus) -> None:
    old = server.socket
    old.end(1006)
    await server.until(lambda: len(server.greetings) == 2)

    old.say(type="system", event="draining", payload={"deadline_ms": 0, "spread_ms": 0})
    await pause()

    assert bus.state == "connected"


@pytest.mark.rules("R51")
async def test_a_frame_that_is_no_json_does_not_end_the_connection(server: ScriptedServer, bus: Bus) -> None:
    server.socket._to_client.put_nowait(b"{")
    server.answers["ping"] = lambda frame: {"time": "now"}

    assert await bus.ping() == "now"
    assert bus.stats().unreadable == 1


@pytest.mark.rules("R49")
async def test_at_the_end_no_task_is_left(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    before = asyncio.all_tasks()
    bus = await make_bus().open()

    await bus.close()

    assert asyncio.all_tasks() == before
    assert server.socket.closed_with == 1000


@pytest.mark.rules("R41")
async def test_a_full_queue_that_blocks_stops_the_reading_of_the_socket(server: ScriptedServer, bus: Bus) -> None:
    async with bus.subscribe("science:explore", queue=2, when_full="block") as channel:
        for seq in range(1, 8):
            server.socket.event(seq)
        await pause()
        assert channel.waiting == 2

        seqs = [(await channel.get(timeout_s=1)).seq for _ in range(7)]

    assert seqs == [1, 2, 3, 4, 5, 6, 7]


async def test_the_greeting_is_one_frame_of_json(server: ScriptedServer, bus: Bus) -> None:
    assert json.dumps(server.greetings) and bus.client == "c-1"

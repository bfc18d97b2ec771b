"""The bus: opened, watched, drained, closed."""

import asyncio
from collections.abc import Callable

import pytest

from arqonbus.client import Bus, BusClosed, CannotConnect, Drained, Message, StateChange, Unauthorized, connect
from tests.client.scripted import ScriptedServer, pause


@pytest.mark.rules("R10")
async def test_it_is_open_inside_of_its_with(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    async with make_bus() as bus:
        assert (bus.state, bus.client, bus.user, bus.error) == ("connected", "c-1", None, None)

    assert bus.state == "closed"
    assert server.socket.closed_with == 1000


@pytest.mark.rules("R10")
async def test_a_server_that_is_not_there_is_an_error_after_a_while(
    server: ScriptedServer, make_bus: Callable[..., Bus]
) -> None:
    server.failures = [OSError("connection refused")] * 10_000

    with pytest.raises(CannotConnect, match="connection refused") as caught:
        async with make_bus(open_timeout_s=0.03):
            pass

    assert isinstance(caught.value.__cause__, CannotConnect)
    assert isinstance(caught.value.__cause__.__cause__, OSError)
    assert len(server.urls) > 1


@pytest.mark.rules("R10", "R14")
async def test_credentials_that_are_refused_are_an_error_at_once(
    server: ScriptedServer, make_bus: Callable[..., Bus]
) -> None:
    server.answers["connect"] = lambda frame: {"error": {"code": "unauthenticated", "message": "no such key"}}

    with pytest.raises(Unauthorized, match="no such key"):
        async with make_bus(token="wrong"):
            pass


@pytest.mark.rules("R10")
async def test_an_opening_that_is_cancelled_leaves_nothing_behind(
    server: ScriptedServer, make_bus: Callable[..., Bus]
) -> None:
    server.is_silent = True
    before = asyncio.all_tasks()
    bus = make_bus(open_timeout_s=None)
    opening = asyncio.create_task(bus.__aenter__())
    await pause()

    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)

    assert bus.state == "closed"
    assert asyncio.all_tasks() == before


@pytest.mark.rules("R2")
async def test_changes_are_told_and_a_callback_that_raises_changes_nothing(
    server: ScriptedServer, make_bus: Callable[..., Bus]
) -> None:
    seen: list[StateChange] = []

    def on_state(change: StateChange) -> None:
        seen.append(change)
        raise RuntimeError("of the program")

    async with make_bus(on_state=on_state):
        pass

    assert [change.after for change in seen] == ["connecting", "connected", "closed"]


@pytest.mark.rules("R49")
async def test_to_leave_sends_what_waits(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    async with make_bus() as bus:
        for n in range(100):
            await bus.publish("science:explore", n)

    assert len(server.frames) == 100


@pytest.mark.rules("R49")
async def test_to_leave_by_an_exception_waits_for_nothing(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    with pytest.raises(RuntimeError):
        async with make_bus() as bus:
            server.socket.may_write.clear()
            await bus.publish("science:explore")
            raise RuntimeError

    assert server.frames == []


@pytest.mark.rules("R49")
async def test_a_close_gives_up_after_its_time(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    bus = await make_bus(close_timeout_s=0.02).open()
    server.socket.may_write.clear()
    call = asyncio.create_task(bus.publish("science:explore", ack=True))
    await pause()

    await bus.close()
    await bus.close()

    with pytest.raises(BusClosed):
        await call


@pytest.mark.rules("R48")
async def test_a_drain_lets_handlers_finish_and_sends_what_they_publish(server: ScriptedServer, bus: Bus) -> None:
    gate = asyncio.Event()

    async def handle(message: Message[object]) -> None:
        await gate.wait()
        await bus.publish("science:results", message.seq, ack=True)

    channel = await bus.subscribe("science:explore").open()
    running = asyncio.create_task(channel.run(handle))
    for seq in (1, 2, 3):
        server.socket.event(seq)
    await pause()
    draining = asyncio.create_task(bus.drain())
    await server.frame("leave_channel")
    assert bus.state == "draining"
    gate.set()

    assert await draining == Drained()
    await running
    assert [frame["payload"] for frame in server.frames if frame["type"] == "event"] == [1, 2, 3]
    assert bus.state == "closed"


@pytest.mark.rules("R48")
async def test_a_drain_waits_for_a_loop_to_come_to_its_end(server: ScriptedServer, bus: Bus) -> None:
    seen: list[int] = []

    async def read() -> None:
        async for message in channel:
            await asyncio.sleep(0)
            seen.append(message.seq)

    channel = await bus.subscribe("science:explore").open()
    reading = asyncio.create_task(read())
    for seq in (1, 2, 3):
        server.socket.event(seq)
    await pause()

    await bus.drain()

    assert reading.done() and seen == [1, 2, 3]


@pytest.mark.rules("R48")
async def test_a_drain_says_what_it_had_to_give_up(server: ScriptedServer, bus: Bus) -> None:
    server.answers["event"] = lambda frame: None
    channel = await bus.subscribe("science:explore").open()
    call = asyncio.create_task(bus.publish("science:explore", ack=True))
    server.socket.event(1)
    server.socket.event(2)
    await pause()

    drained = await bus.drain(timeout_s=0.02)

    assert drained == Drained(unsent=1, unread=2)
    with pytest.raises(BusClosed):
        await call
    assert [message async for message in channel] == []


@pytest.mark.rules("R3")
async def test_after_an_end_that_is_final_it_says_why(server: ScriptedServer, bus: Bus) -> None:
    server.socket.end(4504, "another connection")
    await pause()

    assert bus.state == "closed"
    assert bus.error is not None and "4504" in str(bus.error)
    with pytest.raises(BusClosed, match="4504"):
        await bus.ping()


@pytest.mark.rules("R50")
async def test_stats_are_of_this_bus(server: ScriptedServer, bus: Bus) -> None:
    await bus.publish("science:explore", ack=True)

    stats = bus.stats()

    assert (stats.dials, stats.sessions, stats.sent, stats.outbox_messages) == (1, 1, 2, 0)


def test_a_bus_may_be_made_outside_of_a_loop() -> None:
    bus = connect("ws://bus.test/")

    assert bus.state == "idle" and bus.client is None


def test_an_option_that_is_not_known_is_an_error_with_a_hint() -> None:
    with pytest.raises(TypeError, match=r"connect\(\) got .* 'tokn'; did you mean 'token'"):
        connect("ws://bus.test/", tokn="x")  # type: ignore[call-arg]


async def test_system_events_are_told(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    told: list[tuple[str, object, str, str]] = []
    bus = await make_bus(on_system=lambda *about: told.append(about)).open()

    server.socket.say(type="system", event="storage_degraded", payload={})
    await pause()

    assert told == [("storage_degraded", {}, "", "")]
    assert bus.state == "connected"

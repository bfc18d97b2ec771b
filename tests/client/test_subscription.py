"""A handle: opened, read, ended."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from arqonbus.client import (
    Bus,
    BusClosed,
    DecodeError,
    Denied,
    Expired,
    Gap,
    Message,
    Position,
    SlowReader,
    SubscriptionEnded,
)
from tests.client.scripted import ScriptedServer, pause
from tests.client.stage import gap


@dataclass
class Chat:
    text: str


@pytest.mark.rules("R32", "R34")
async def test_a_handle_joins_when_it_is_opened_and_knows_where_it_is(server: ScriptedServer, bus: Bus) -> None:
    server.top = 7

    async with bus.subscribe("science:explore") as channel:
        assert channel.position == Position("e1", 7)
        server.socket.event(8, {"n": 1}, metadata={"k": "v"}, reply_to="q")
        message = await anext(channel)

    assert (message.data, message.seq, message.epoch) == ({"n": 1}, 8, "e1")
    assert (message.metadata, message.reply_to, message.sender) == ({"k": "v"}, "q", "c-9")
    assert message.address == "science:explore" and message.position == Position("e1", 8)
    await server.frame("leave_channel")


@pytest.mark.rules("R33")
async def test_a_join_that_is_refused_is_the_error_of_opening(server: ScriptedServer, bus: Bus) -> None:
    server.answers["join_channel"] = lambda frame: {"error": {"code": "forbidden"}}

    with pytest.raises(Denied):
        async with bus.subscribe("science:explore"):
            pass


@pytest.mark.rules("R26")
async def test_a_join_without_an_answer_is_given_up(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    bus = await make_bus(timeout_s=0.02).open()
    server.answers["join_channel"] = lambda frame: None

    with pytest.raises(Expired, match="science:explore was not joined"):
        await bus.subscribe("science:explore").open()


async def test_an_opening_that_is_cancelled_leaves(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    bus = await make_bus(linger_s=0.0).open()
    server.answers["join_channel"] = lambda frame: None
    opening = asyncio.create_task(bus.subscribe("science:explore").open())
    await server.frame("join_channel")

    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)

    await server.frame("leave_channel")


@pytest.mark.rules("R32")
async def test_a_loop_may_end_and_another_go_on(server: ScriptedServer, bus: Bus) -> None:
    async with bus.subscribe("science:explore") as channel:
        for seq in range(1, 5):
            server.socket.event(seq)
        async for message in channel:
            if message.seq == 2:
                break
        rest = [(await channel.get(timeout_s=1)).seq for _ in range(2)]

    assert rest == [3, 4]


async def test_without_a_with_it_opens_by_itself_and_closes_by_hand(server: ScriptedServer, bus: Bus) -> None:
    channel = bus.subscribe("science:explore")
    reading = asyncio.create_task(anext(channel))  # type: ignore[arg-type]
    await server.frame("join_channel")
    server.socket.event(1)

    assert (await reading).seq == 1
    channel.close()
    channel.close()
    assert [message async for message in channel] == []


async def test_to_get_has_a_limit_and_an_end(server: ScriptedServer, bus: Bus) -> None:
    async with bus.subscribe("science:explore") as channel:
        with pytest.raises(TimeoutError):
            await channel.get(timeout_s=0.01)
        assert channel.get_nowait() is None
        server.socket.event(1)
        await pause()
        found = channel.get_nowait()
        assert found is not None and found.seq == 1
        channel.close()
        with pytest.raises(EOFError):
            await channel.get()


@pytest.mark.rules("R39")
async def test_payloads_are_read_as_the_type_that_is_asked_for(server: ScriptedServer, bus: Bus) -> None:
    async with bus.subscribe("science:explore", type=Chat) as channel:
        server.socket.event(1, {"text": "hi"})

        message: Message[Chat] = await anext(channel)

    assert message.data == Chat("hi")


@pytest.mark.rules("R39")
async def test_a_payload_that_does_not_fit_is_an_error_of_that_step_only(server: ScriptedServer, bus: Bus) -> None:
    async with bus.subscribe("science:explore", type=Chat) as channel:
        server.socket.event(1, {"text": 7})
        server.socket.event(2, {"text": "hi"})

        with pytest.raises(DecodeError) as caught:
            await anext(channel)
        message = await anext(channel)

    assert caught.value.__notes__ == ["message e1 of science:explore"]
    assert message.data == Chat("hi")


@pytest.mark.rules("R39")
async def test_a_payload_that_does_not_fit_may_be_skipped_and_told(
    server: ScriptedServer, make_bus: Callable[..., Bus]
) -> None:
    errors: list[Exception] = []
    bus = await make_bus(on_error=errors.append).open()
    async with bus.subscribe("science:explore", type=Chat, on_decode_error="skip") as channel:
        server.socket.event(1, 7)
        server.socket.event(2, {"text": "hi"})

        assert (await anext(channel)).seq == 2

    assert [type(error) for error in errors] == [DecodeError]


@pytest.mark.rules("R37")
async def test_a_gap_stands_on_the_message_and_is_told_at_once(server: ScriptedServer, bus: Bus) -> None:
    gaps: list[Gap] = []
    async with bus.subscribe("science:explore", on_gap=gaps.append) as channel:
        server.socket.event(4)

        message = await anext(channel)

    assert message.gap == gap(1, 3, 3, "hole", True, "e1")
    assert gaps == [message.gap]
    assert (channel.stats.given, channel.stats.missed) == (1, 3)


@pytest.mark.rules("R33")
async def test_a_deleted_channel_ends_the_loop_behind_what_there_was(server: ScriptedServer, bus: Bus) -> None:
    seen: list[int] = []
    gone = {"type": "system", "event": "channel_deleted", "payload": {"reason": "deleted"}}
    async with bus.subscribe("science:explore") as channel:
        server.socket.event(1)
        server.socket.say(**gone, room="science", channel="explore")

        with pytest.raises(SubscriptionEnded):
            async for message in channel:
                seen.append(message.seq)

    assert seen == [1]


@pytest.mark.rules("R33", "R49")
async def test_the_end_of_the_bus_ends_the_loop(server: ScriptedServer, bus: Bus) -> None:
    channel = await bus.subscribe("science:explore").open()
    loop = asyncio.create_task(_collect(channel))
    await pause()

    await bus.close()

    assert await loop == []


@pytest.mark.rules("R33")
async def test_an_end_that_nobody_wanted_is_an_error_of_the_loop(server: ScriptedServer, bus: Bus) -> None:
    channel = await bus.subscribe("science:explore").open()
    server.socket.end(4503, "spam")

    with pytest.raises(BusClosed, match="spam"):
        await _collect(channel)


@pytest.mark.rules("R40")
async def test_a_slow_reader_may_want_an_error(server: ScriptedServer, bus: Bus) -> None:
    async with bus.subscribe("science:explore", queue=1, when_full="error") as channel:
        server.socket.event(1)
        server.socket.event(2)
        await pause()

        with pytest.raises(SlowReader):
            await _collect(channel)


@pytest.mark.rules("R42")
async def test_a_handler_is_called_for_each_message_and_may_fail(
    server: ScriptedServer, make_bus: Callable[..., Bus]
) -> None:
    errors: list[Exception] = []
    seen: list[int] = []
    bus = await make_bus(on_error=errors.append).open()
    channel = await bus.subscribe("science:explore", type=int).open()

    async def handle(message: Message[int]) -> None:
        seen.append(message.seq)
        if message.seq == 2:
            raise ValueError("two")

    for seq, payload in ((1, 1), (2, 2), (3, "no number"), (4, 4)):
        server.socket.event(seq, payload)
    running = asyncio.create_task(channel.run(handle))
    await server.frame("join_channel")
    await pause()
    channel.close()
    await running

    assert seen == [1, 2, 4]
    assert [type(error) for error in errors] == [ValueError, DecodeError]
    assert errors[0].__notes__ == ["in the handler of message e2 of science:explore"]


@pytest.mark.rules("R42")
async def test_so_many_handlers_run_at_once(server: ScriptedServer, bus: Bus) -> None:
    channel = await bus.subscribe("science:explore").open()
    at_once, most = 0, 0
    gate = asyncio.Event()

    async def handle(message: Message[object]) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await gate.wait()
        at_once -= 1

    for seq in range(1, 8):
        server.socket.event(seq)
    running = asyncio.create_task(channel.run(handle, concurrency=3))
    await pause()
    assert at_once == 3
    gate.set()
    await pause()
    channel.close()
    await running

    assert most == 3


@pytest.mark.rules("R42")
async def test_messages_of_one_key_are_handled_in_order(server: ScriptedServer, bus: Bus) -> None:
    channel = await bus.subscribe("science:explore").open()
    seen: list[int] = []
    slow_first = asyncio.Event()

    async def handle(message: Message[int]) -> None:
        if message.seq == 1:
            await slow_first.wait()
        seen.append(message.seq)

    for seq in range(1, 7):
        server.socket.event(seq, seq % 2)
    running = asyncio.create_task(channel.run(handle, concurrency=2, per_key=lambda message: message.data))
    await pause()
    slow_first.set()
    await pause()
    channel.close()
    await running

    assert [seq for seq in seen if seq % 2] == [1, 3, 5]
    assert [seq for seq in seen if not seq % 2] == [2, 4, 6]
    assert seen[0] == 2


async def test_less_than_one_handler_is_an_error(bus: Bus) -> None:
    async def handle(message: Message[object]) -> None: ...

    with pytest.raises(ValueError, match="concurrency >= 1"):
        await bus.subscribe("science:explore").run(handle, concurrency=0)


@pytest.mark.rules("R42")
@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_loop_of_handlers_ends_with_the_error_of_its_handle(
    server: ScriptedServer, bus: Bus, concurrency: int
) -> None:
    async def handle(message: Message[object]) -> None: ...

    channel = await bus.subscribe("science:explore").open()
    server.socket.end(4503)

    with pytest.raises(BusClosed):
        await channel.run(handle, concurrency=concurrency)


@pytest.mark.rules("R41")
async def test_a_reader_that_does_not_read_holds_up_nobody(server: ScriptedServer, bus: Bus) -> None:
    server.answers["ping"] = lambda frame: {"time": "now"}
    async with bus.subscribe("science:explore", queue=2) as idle, bus.subscribe("science:explore") as busy:
        for seq in range(1, 9):
            server.socket.event(seq)

        assert await bus.ping(timeout_s=1) == "now"
        assert [(await busy.get(timeout_s=1)).seq for _ in range(8)] == list(range(1, 9))
        assert idle.waiting == 2


@pytest.mark.rules("R38")
async def test_a_whole_room_has_positions(server: ScriptedServer, bus: Bus) -> None:
    places = [{"channel": "a", "epoch": "e1", "seq": 3}, {"channel": "b", "epoch": "e2", "seq": 0}]
    answer = {"room": "science", "channel": "*", "recovered": False, "positions": places, "members": 1}
    server.answers["join_channel"] = lambda frame: answer
    async with bus.subscribe("science:*") as room:
        server.socket.event(4, "x", channel="a")

        message = await anext(room)

        assert (message.channel, message.seq, message.epoch) == ("a", 4, "e1")
        assert room.positions == {"a": Position("e1", 4), "b": Position("e2", 0)}
        assert room.position is None


async def _collect(channel: object) -> list[object]:
    return [message async for message in channel]  # type: ignore[attr-defined]

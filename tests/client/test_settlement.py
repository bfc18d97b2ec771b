"""What a member says of an event that a durable group gave it, and when it is said for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec import Raw

from arqonbus.client.errors import ClientError, TryLater
from arqonbus.client.message import Delivery, Message
from arqonbus.client.settlement import Settlement, retry_s
from arqonbus.client.tracing import NO_TRACING
from arqonbus.client.working import Working
from tests.client.test_working import Keeper


class Server:
    """Takes what is said."""

    def __init__(self, counted: int = 1, error: ClientError | None = None) -> None:
        self.said: list[float | None] = []
        self.counted = counted
        self.error = error

    async def settle(self, retry_after_s: float | None) -> int:
        self.said.append(retry_after_s)
        if self.error is not None:
            raise self.error
        return self.counted

    def message(self, attempt: int = 1) -> Message[int]:
        given, settlement = Delivery("g", attempt, "e"), Settlement(self.settle)
        where = {"room": "science", "channel": "explore", "seq": 1}
        return Message(1, "event", "e1", "c-1", "t", Raw(b"0"), delivery=given, settlement=settlement, **where)  # type: ignore[arg-type]


class One:
    """A handle with one message."""

    def __init__(self, message: Message[int]) -> None:
        self._left = [message]

    def __aiter__(self) -> AsyncIterator[Message[int]]:
        return self

    async def __anext__(self) -> Message[int]:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


@pytest.mark.rules("R57")
@pytest.mark.parametrize(("counted", "was_ours"), [(1, True), (0, False)])
async def test_whether_it_counted_is_told(counted: int, was_ours: bool) -> None:
    server = Server(counted)
    message = server.message(attempt=3)

    assert await message.ack() is was_ours
    assert await message.retry(2.5) is was_ours
    assert await message.retry() is was_ours
    assert server.said == [None, 2.5, 0.0]
    assert message.attempt == 3


@pytest.mark.rules("R57")
async def test_a_message_of_no_durable_group_cannot_be_acknowledged() -> None:
    message = Message(1, "event", "e1", "c-1", "t", Raw(b"0"))

    assert message.attempt == 1
    with pytest.raises(RuntimeError, match="durable group"):
        await message.ack()


@pytest.mark.rules("R58")
async def test_a_run_says_how_each_handler_ended() -> None:
    server, keeper = Server(), Keeper()

    async def handle(message: Message[int]) -> None:
        await asyncio.sleep(0)

    async def fail(message: Message[int]) -> None:
        raise ValueError(message.data)

    await Working(One(server.message()), handle, keeper, NO_TRACING).run(1, None)
    assert (server.said, keeper.errors) == ([None], [])
    await Working(One(server.message(attempt=2)), fail, keeper, NO_TRACING).run(1, None)
    assert server.said == [None, 2.0]
    assert [type(error) for error in keeper.errors] == [ValueError]


@pytest.mark.rules("R58")
async def test_a_run_says_nothing_where_the_handler_did() -> None:
    server, keeper = Server(), Keeper()

    async def handle(message: Message[int]) -> None:
        await message.retry(9.0)

    await Working(One(server.message()), handle, keeper, NO_TRACING).run(1, None)
    assert server.said == [9.0]


@pytest.mark.rules("R58")
async def test_what_cannot_be_said_is_told_and_the_run_goes_on() -> None:
    server, keeper = Server(error=TryLater("away")), Keeper()

    async def handle(message: Message[int]) -> None: ...

    await Working(One(server.message()), handle, keeper, NO_TRACING).run(1, None)
    assert [type(error) for error in keeper.errors] == [TryLater]


@pytest.mark.rules("R58")
@pytest.mark.parametrize(("attempt", "seconds"), [(1, 1.0), (2, 2.0), (5, 16.0), (7, 60.0), (5000, 60.0)])
def test_a_failure_is_tried_again_later_each_time(attempt: int, seconds: float) -> None:
    assert retry_s(attempt) == seconds

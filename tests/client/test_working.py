"""A run of a handler: what it is given, how many at once, and what it does with errors."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec import Raw

from arqonbus.client.errors import BusClosed, DecodeError
from arqonbus.client.message import Message
from arqonbus.client.tracing import NO_TRACING
from arqonbus.client.working import Working


class Keeper:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.running_now = 0

    def opened(self, handle: object) -> None: ...

    def closed(self, handle: object) -> None: ...

    def has_read(self) -> None: ...

    def running(self, change: int) -> None:
        self.running_now += change

    def report(self, error: Exception) -> None:
        self.errors.append(error)


class Messages:
    """Numbers as messages; an exception in their place is raised."""

    def __init__(self, *found: int | Exception) -> None:
        self._found = list(found)

    def __aiter__(self) -> AsyncIterator[Message[int]]:
        return self

    async def __anext__(self) -> Message[int]:
        if not self._found:
            raise StopAsyncIteration
        one = self._found.pop(0)
        if isinstance(one, Exception):
            raise one
        return Message(one, "event", f"e{one}", "c-1", "t", Raw(b"0"), "science", "explore", one)


async def run(*found: int | Exception, concurrency: int = 1, fails_at: int = 0) -> tuple[list[int], Keeper]:
    keeper, seen = Keeper(), []

    async def handle(message: Message[int]) -> None:
        assert keeper.running_now == 1
        await asyncio.sleep(0)
        seen.append(message.data)
        if message.data == fails_at:
            raise ValueError("of the program")

    await Working(Messages(*found), handle, keeper, NO_TRACING).run(concurrency, None)
    assert keeper.running_now == 0
    return seen, keeper


@pytest.mark.rules("R42")
@pytest.mark.parametrize("concurrency", [1, 4])
async def test_every_message_is_handled(concurrency: int) -> None:
    seen, keeper = await run(1, 2, 3, 4, 5, concurrency=concurrency)

    assert sorted(seen) == [1, 2, 3, 4, 5]
    assert keeper.errors == []


@pytest.mark.rules("R42")
async def test_what_a_handler_raises_and_what_cannot_be_decoded_is_told() -> None:
    seen, keeper = await run(1, DecodeError("no number"), 3, fails_at=1)

    assert seen == [1, 3]
    assert [type(error) for error in keeper.errors] == [ValueError, DecodeError]
    assert keeper.errors[0].__notes__ == ["in the handler of message e1 of science:explore"]


@pytest.mark.rules("R42")
@pytest.mark.parametrize("concurrency", [1, 4])
async def test_what_the_handle_ends_with_ends_the_run(concurrency: int) -> None:
    with pytest.raises(BusClosed):
        await run(1, BusClosed("over"), concurrency=concurrency)


@pytest.mark.rules("R42")
async def test_with_a_key_the_order_of_each_key_is_kept() -> None:
    keeper, seen = Keeper(), []

    async def handle(message: Message[int]) -> None:
        await asyncio.sleep(0.002 if message.data == 1 else 0)
        seen.append(message.data)

    await Working(Messages(*range(1, 9)), handle, keeper, NO_TRACING).run(2, lambda message: message.data % 2)

    assert [n for n in seen if n % 2] == [1, 3, 5, 7]
    assert [n for n in seen if not n % 2] == [2, 4, 6, 8]
    assert seen != sorted(seen)


async def test_less_than_one_at_once_is_an_error() -> None:
    with pytest.raises(ValueError, match="concurrency >= 1"):
        await run(concurrency=0)

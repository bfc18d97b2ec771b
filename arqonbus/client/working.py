"""Working: the messages of one handle through a handler, some at once, in order for each key. Rule R42."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable
from typing import Any, Generic, TypeAlias, TypeVar

from arqonbus.client.errors import ClientError, DecodeError
from arqonbus.client.message import Message
from arqonbus.client.opening import Keeper
from arqonbus.client.settlement import Settlement, retry_s
from arqonbus.client.tracing import Tracing

__all__ = ["Handler", "Working"]

T = TypeVar("T")

Handler: TypeAlias = Callable[[Message[T]], Awaitable[object]]
"""Handles one message."""

_Key: TypeAlias = Callable[[Message[T]], Hashable]
_Lane: TypeAlias = asyncio.Queue[Message[T] | None]


class Working(Generic[T]):
    """One run of a handler over the messages of a handle.

    Args:
        messages: the handle; may raise DecodeError and go on
        handler: of the program
        keeper: told of what goes wrong
        tracing: of the bus
    """

    def __init__(
        self, messages: AsyncIterator[Message[T]], handler: Handler[T], keeper: Keeper, tracing: Tracing
    ) -> None:
        self._messages = messages
        self._handler = handler
        self._keeper = keeper
        self._tracing = tracing

    async def run(self, concurrency: int, per_key: _Key[T] | None) -> None:
        """Work until the handle ends. Raises what it ends with; ValueError: less than one at once."""
        if concurrency < 1:
            raise ValueError(f"expected concurrency >= 1, got {concurrency}")
        aiter(self._messages)  # a loop reads it from now on
        self._keeper.running(1)
        try:
            if per_key is None or concurrency == 1:
                await _together([self._work() for _ in range(concurrency)])
            else:
                lanes: list[_Lane[T]] = [asyncio.Queue(1) for _ in range(concurrency)]
                await _together([self._share(lanes, per_key), *(self._lane(lane) for lane in lanes)])
        finally:
            self._keeper.running(-1)

    async def _next(self) -> Message[T] | None:
        """Give the next message that can be decoded; None: the handle has ended."""
        while True:
            try:
                return await anext(self._messages, None)
            except DecodeError as error:
                self._keeper.report(error)

    async def _work(self) -> None:
        while (message := await self._next()) is not None:
            await self._handle(message)

    async def _share(self, lanes: list[_Lane[T]], per_key: _Key[T]) -> None:
        try:
            while (message := await self._next()) is not None:
                await lanes[hash(per_key(message)) % len(lanes)].put(message)
        finally:
            for lane in lanes:
                await lane.put(None)

    async def _lane(self, lane: _Lane[T]) -> None:
        while (message := await lane.get()) is not None:
            await self._handle(message)

    async def _handle(self, message: Message[T]) -> None:
        retry_after_s = None
        try:
            with self._tracing.handling(message):
                await self._handler(message)
        except Exception as error:  # noqa: BLE001 - a handler of the program may raise anything; the next message counts
            error.add_note(f"in the handler of message {message.id} of {message.address or message.kind}")
            self._keeper.report(error)
            retry_after_s = retry_s(message.attempt)
        if message.settlement is not None and not message.settlement.is_said:
            await self._settle(message.settlement, retry_after_s)

    async def _settle(self, settlement: Settlement, retry_after_s: float | None) -> None:
        """Say how it went; if that cannot be said, the event is given again in time."""
        try:
            await settlement.say(retry_after_s)
        except ClientError as error:
            self._keeper.report(error)


async def _together(work: list[Coroutine[Any, Any, None]]) -> None:
    """Run all to the end; the first error ends the others."""
    if len(work) == 1:
        await work[0]
        return
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None

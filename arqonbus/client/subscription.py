"""Subscription: a handle. What a reader of a channel, of the inbox or of broadcasts holds in its hand.

    async with bus.subscribe("science:explore") as channel:
        async for message in channel:
            ...

A class with `__anext__`, not a generator: after a `break` nothing stays open in another task. Rules R32 to R43.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from functools import partial
from types import TracebackType
from typing import Generic, Literal, Self, TypeAlias, TypeVar

from arqonbus.client.codec import EventIn
from arqonbus.client.decoding import Decoder
from arqonbus.client.errors import ClientError, DecodeError
from arqonbus.client.feed import Entry, Feed, FeedStats
from arqonbus.client.message import Message, Position
from arqonbus.client.opening import Keeper, Opening, Place
from arqonbus.client.reading import message_of
from arqonbus.client.settlement import Settlement
from arqonbus.client.tracing import Tracing
from arqonbus.client.working import Handler, Working

__all__ = ["OnDecodeError", "Subscription"]

T = TypeVar("T")

OnDecodeError: TypeAlias = Literal["raise", "skip"]
"""What becomes of a message whose payload is not of the type asked for."""


class Subscription(Generic[T]):
    """One handle: open it with `async with`, read it with `async for`, `get` or `run`. Made by the bus.

    It belongs to one event loop. Several tasks may read it; each message goes to one of them.
    """

    def __init__(
        self,
        name: str,
        feed: Feed,
        decode: Decoder[T],
        place: Place,
        keeper: Keeper,
        tracing: Tracing,
        *,
        on_decode_error: OnDecodeError = "raise",
        open_timeout_s: float = 10.0,
    ) -> None:
        self.name = name
        self.is_iterated = False  # a loop reads it, which will be told of the end
        self.is_finished = False  # that loop has been told, or the handle is closed
        self._feed = feed
        self._decode = decode
        self._place = place
        self._keeper = keeper
        self._tracing = tracing
        self._on_decode_error = on_decode_error
        self._opening = Opening(open_timeout_s)
        self._bell = asyncio.Event()
        self._is_open = False
        self._is_closed = False
        feed.wake = self._bell.set

    # --- life -------------------------------------------------------------------------------------------------------

    async def open(self) -> Self:
        """Join, and wait until the server has answered; without effect on an open handle.

        Raises:
            Rejected: the server refuses
            Expired: no answer within the bus's timeout; the handle is closed
            BusClosed: the bus is over
            ValueError: another handle of this address has other options
        """
        if self._is_open:
            return self
        self._is_open = True
        try:
            self._keeper.opened(self)
            self._place.take()
            await self._opening.wait(f"{self.name} was not joined")
            if self._feed.error is not None and not len(self._feed):
                raise self._feed.error
        except BaseException:
            self.close()
            raise
        return self

    def has_started(self) -> None:
        """Let `open` go on; called by the bus."""
        self._opening.has_started()

    def close(self) -> None:
        """Want no more; what waits is thrown away. Closing twice is fine."""
        if not self._is_closed:
            self._is_closed = self.is_finished = True
            self._feed.close()
            self._place.leave()
            self._keeper.closed(self)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # --- reading ----------------------------------------------------------------------------------------------------

    def __aiter__(self) -> Self:
        self.is_iterated = True
        return self

    async def __anext__(self) -> Message[T]:
        await self.open()
        while True:
            entry = self._feed.take()
            if entry is not None:
                self._keeper.has_read()
                message = self._message(entry)
                if message is not None:
                    return message
            elif self._feed.has_ended:
                self.is_finished = True
                self._keeper.has_read()
                if self._feed.error is not None:
                    raise self._feed.error
                raise StopAsyncIteration
            else:
                self._bell.clear()
                await self._bell.wait()

    async def get(self, *, timeout_s: float | None = None) -> Message[T]:
        """Give the next message.

        Args:
            timeout_s: None: as long as it takes

        Raises:
            TimeoutError: none came in time
            EOFError: the handle has ended
        """
        async with asyncio.timeout(timeout_s):
            try:
                return await anext(self)
            except StopAsyncIteration:
                raise EOFError(f"the handle of {self.name} has ended") from None

    def get_nowait(self) -> Message[T] | None:
        """Give the next message if there is one now."""
        while (entry := self._feed.take()) is not None:
            self._keeper.has_read()
            message = self._message(entry)
            if message is not None:
                return message
        return None

    def _message(self, entry: Entry) -> Message[T] | None:
        frame = entry.frame
        try:
            data = self._decode(frame.payload)
        except DecodeError as error:
            error.add_note(f"message {frame.id} of {self.name}")
            if self._on_decode_error == "raise":
                raise
            self._keeper.report(error)
            return None
        settlement = None
        if isinstance(frame, EventIn) and frame.delivery is not None:
            settlement = Settlement(partial(self._keeper.settle, frame))
        gap, epoch = entry.gap, entry.epoch
        return message_of(frame, data, epoch=epoch, replay=entry.replay, gap=gap, settlement=settlement)

    async def run(
        self,
        handler: Handler[T],
        *,
        concurrency: int = 1,
        per_key: Callable[[Message[T]], Hashable] | None = None,
    ) -> None:
        """Call the handler for each message, until the handle ends.

        An exception of the handler is told to the bus's `on_error`, and the next message is handled. Of a durable group
        each event is acknowledged when its handler has returned, and given again after a while when it failed, unless
        the handler has said either by itself.

        Args:
            handler: may take its time; the queue of this handle fills meanwhile, nothing else waits
            concurrency: how many handlers run at once, >= 1; 1 keeps the order
            per_key: with it, messages of one key are handled in order, by one handler at a time

        Raises:
            ClientError: what the handle ended with
        """
        await Working(self, handler, self._keeper, self._tracing).run(concurrency, per_key)

    # --- facts ------------------------------------------------------------------------------------------------------

    @property
    def position(self) -> Position | None:
        """How far the handle is in its channel, whether its reader has taken that or not; None: not known.

        Of a handle for a whole room, see `positions`. To go on after what was handled, keep `message.position`.
        """
        places = list(self.positions.values())
        return places[0] if len(places) == 1 else None

    @property
    def positions(self) -> dict[str, Position]:
        """How far the handle is in each channel."""
        cursors = self._feed.cursors.items()
        return {name: Position(c.epoch, c.seq) for name, c in cursors if c.epoch is not None and c.seq is not None}

    @property
    def stats(self) -> FeedStats:
        """Counts since its start."""
        return self._feed.stats

    @property
    def waiting(self) -> int:
        """Messages that wait for the reader."""
        return len(self._feed)

    @property
    def is_done(self) -> bool:
        """Whether nothing waits for a reader, and no loop still handles something."""
        return self.is_finished or (not self.is_iterated and self.waiting == 0)

    @property
    def error(self) -> ClientError | None:
        """What the handle ended with."""
        return self._feed.error

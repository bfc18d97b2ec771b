"""Handles for blocking code, and the thread in which their bus runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from arqonbus.client.errors import BusClosed, ClientError
from arqonbus.client.feed import FeedStats
from arqonbus.client.message import Message, Position
from arqonbus.client.presence import Presence as AsyncPresence
from arqonbus.client.results import MemberInfo
from arqonbus.client.roster import Change
from arqonbus.client.subscription import Subscription as AsyncSubscription

__all__ = ["BusThread", "Presence", "Subscription"]

T = TypeVar("T")
R = TypeVar("R")

_LAST_S: Final = 0.5  # for what still runs when the bus is closed: all of it has been told
_STOP_S: Final = 10.0  # for the thread to end: far longer than it takes on any machine that works


class BusThread:
    """A daemon thread with an event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()  # so that nothing is begun after the last look for what is left
        self._is_over = False
        self._thread = threading.Thread(target=self._work, name="arqonbus", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        with self._lock:
            self._is_over = True
        self._loop.run_until_complete(_end_tasks())
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """Run a coroutine there and wait; if the wait is broken off (Ctrl-C), so is the coroutine.

        Raises:
            BusClosed: the thread has ended
        """
        with self._lock:
            if self._is_over:
                work.close()
                raise BusClosed("the bus is closed")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError:
            raise BusClosed("the bus is closed") from None
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """End the thread, once those that wait in others have had their answers. Stopping twice is fine."""
        with self._lock:
            if not self._is_over:
                asyncio.run_coroutine_threadsafe(self._wind_up(), self._loop)
        self._thread.join(_STOP_S)

    async def _wind_up(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            await asyncio.wait(left, timeout=_LAST_S)
        self._loop.stop()


async def _end_tasks() -> None:
    await asyncio.sleep(0)  # what was scheduled from other threads becomes tasks
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


class Subscription(Generic[T]):
    """A handle for blocking code: `with` opens it, `for` reads it. See `arqonbus.client.Subscription`."""

    def __init__(self, handle: AsyncSubscription[T], thread: BusThread) -> None:
        self._handle = handle
        self._thread = thread

    def open(self) -> Self:
        """Join, and wait until the server has answered."""
        self._thread.run(self._handle.open())
        return self

    def close(self) -> None:
        """Want no more. Closing twice is fine, and so is closing after the bus."""
        with suppress(BusClosed):
            self._thread.run(_call(self._handle.close))

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Message[T]]:
        aiter(self._handle)
        return self

    def __next__(self) -> Message[T]:
        found = self._thread.run(_next(self._handle))
        if found is None:
            raise StopIteration
        return found

    def get(self, *, timeout_s: float | None = None) -> Message[T]:
        """Give the next message. Raises TimeoutError: none came in time; EOFError: the handle has ended."""
        return self._thread.run(self._handle.get(timeout_s=timeout_s))

    def get_nowait(self) -> Message[T] | None:
        """Give the next message if there is one now."""
        return self._thread.run(_call(self._handle.get_nowait))

    def take(self, n: int, *, timeout_s: float | None = None) -> list[Message[T]]:
        """Give the next `n` messages, each within `timeout_s`. Raises as `get`."""
        return [self.get(timeout_s=timeout_s) for _ in range(n)]

    def run(self, handler: Callable[[Message[T]], object]) -> None:
        """Call the handler for each message in this thread, one after the other, until the handle ends.

        An event of a durable group is acknowledged when its handler has returned, unless it has said so by itself.
        """
        for message in self:
            handler(message)
            if message.settlement is not None and not message.settlement.is_said:
                self.ack(message)

    def ack(self, message: Message[T]) -> bool:
        """Say that an event of a durable group is done. See `Message.ack`."""
        return self._thread.run(message.ack())

    def retry(self, message: Message[T], after_s: float = 0.0) -> bool:
        """Say that an event of a durable group is not done. See `Message.retry`."""
        return self._thread.run(message.retry(after_s))

    @property
    def position(self) -> Position | None:
        """How far the handle is in its channel."""
        return self._handle.position

    @property
    def positions(self) -> dict[str, Position]:
        """How far the handle is in each channel."""
        return self._handle.positions

    @property
    def stats(self) -> FeedStats:
        """Counts since its start."""
        return self._handle.stats

    @property
    def waiting(self) -> int:
        """Messages that wait for the reader."""
        return self._handle.waiting

    @property
    def error(self) -> ClientError | None:
        """What the handle ended with."""
        return self._handle.error


class Presence:
    """A handle that follows who is in a channel, for blocking code. See `arqonbus.client.Presence`."""

    def __init__(self, handle: AsyncPresence, thread: BusThread) -> None:
        self._handle = handle
        self._thread = thread

    def open(self) -> Self:
        """Join, and wait until it is known who is there."""
        self._thread.run(self._handle.open())
        return self

    def close(self) -> None:
        """Want no more. Closing twice is fine, and so is closing after the bus."""
        with suppress(BusClosed):
            self._thread.run(_call(self._handle.close))

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Change]:
        return self

    def __next__(self) -> Change:
        found = self._thread.run(_next(self._handle))
        if found is None:
            raise StopIteration
        return found

    def get(self, *, timeout_s: float | None = None) -> Change:
        """Give the next change. Raises TimeoutError: none came in time; EOFError: the handle has ended."""
        return self._thread.run(self._handle.get(timeout_s=timeout_s))

    @property
    def members(self) -> Mapping[str, MemberInfo]:
        """Who is there now, by client id: a copy."""
        return self._thread.run(_call(lambda: dict(self._handle.members)))

    @property
    def count(self) -> int:
        """How many are there."""
        return self._handle.count

    @property
    def is_listed(self) -> bool:
        """Whether `members` holds all; else only `count` is known."""
        return self._handle.is_listed

    @property
    def error(self) -> ClientError | None:
        """What the handle ended with."""
        return self._handle.error


async def _call(function: Callable[[], R]) -> R:
    """Call a function in the thread of the bus."""
    return function()


async def _next(handle: AsyncIterator[R]) -> R | None:
    """Give the next of a handle; None: it has ended."""
    return await anext(handle, None)

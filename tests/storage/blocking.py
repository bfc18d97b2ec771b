"""A shared history seen through the seam of one writer, so that the contract of that seam runs over it too.

Each call waits for its answer, on a loop in a thread of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, TypeVar

from arqonbus.storage.history import Page, Retention
from arqonbus.storage.recent import Recent
from arqonbus.storage.shared_log import Entry, Fed, Opened, Opening, SharedHistory, SharedLog, Stored

__all__ = ["BlockingHistory"]

T = TypeVar("T")
TIMEOUT_S = 20.0


class BlockingLog:
    """One log of it."""

    def __init__(self, history: BlockingHistory, retention: Retention) -> None:
        self._history = history
        self._retention = retention
        self._opened = asyncio.Event()
        self.recent = Recent(0.0, 0)
        self.epoch = ""
        self.top = 0
        self.log: SharedLog | None = None

    def take(self, fed: Fed) -> None:
        if isinstance(fed, Opened):
            self.epoch, self.top = fed.epoch, fed.seq
            self._opened.set()

    async def opened(self) -> None:
        await self._opened.wait()

    @property
    def keeps(self) -> bool:
        return self._retention.messages > 0 and self._retention.size_bytes > 0

    def append(self, texts: Sequence[bytes]) -> int:
        log = self.log
        assert log is not None

        async def work() -> int:
            outcome = (await log.append([Entry(text) for text in texts]))[-1]
            assert isinstance(outcome, Stored), outcome
            return outcome.seq

        self.top = self._history.run(work())
        return self.top

    def read(self, **bounds: Any) -> Page:
        log = self.log
        assert log is not None

        async def work() -> Page:
            page = await log.read(**bounds)
            return Page(page.events, page.more, page.first, page.last)

        return self._history.run(work())

    def retain(self, retention: Retention) -> None:
        assert self.log is not None
        self._retention = retention
        self._history.soon(self.log.retain, retention)

    def close(self) -> None:
        assert self.log is not None
        self._history.soon(self.log.close)


class BlockingHistory:
    """A History. Args: ``make`` gives the shared one, on the loop of the thread."""

    backend: Literal["memory", "redis"] = "redis"

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[SharedHistory]]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._context: AbstractAsyncContextManager[SharedHistory] = make()
        self._shared = self.run(self._context.__aenter__())

    def end(self) -> None:
        self.run(self._context.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(TIMEOUT_S)

    def soon(self, call: Callable[..., object], *args: Any) -> None:
        async def work() -> None:
            call(*args)

        self.run(work())

    def open(self, room: str, channel: str, retention: Retention, note: bytes = b"") -> BlockingLog:
        log = BlockingLog(self, retention)

        async def work() -> None:
            log.log = self._shared.open(room, channel, Opening(retention, note), log.take)
            await log.opened()

        self.run(work())
        return log

    def note(self, room: str, channel: str) -> bytes:
        return self._get(self._shared.note(room, channel)) or b""

    def holds(self, room: str, channel: str) -> bool:
        return bool(self._get(self._shared.holds(room, channel)))

    def holds_any(self, room: str) -> bool:
        return any(self.holds(room, channel) for channel in self._get(self._shared.channels(room)))

    def delete(self, room: str, channel: str) -> None:
        self._get(self._shared.delete(room, channel))

    def sweep(self) -> None:
        self.soon(self._shared.sweep)

    def _get(self, awaitable: Any) -> Any:
        async def work() -> Any:
            return await awaitable

        return self.run(work())

"""Keeper: keeps one wire standing. Connects, prepares, hands it over; and again, when it is lost, with patience."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from arqonbus.errors import StorageError
from arqonbus.storage.redis_link import Backoff
from arqonbus.storage.redis_wire import Wire

__all__ = ["Keeper"]


class Keeper:
    """One wire, for as long as it runs.

    Args:
        connect: makes an open and prepared wire, and tells the given function when it is lost. Raises StorageError.
        up: takes each wire.
        down: takes why there is none: the reason of the loss, or of a failed attempt.
        backoff: pauses between attempts.
    """

    def __init__(
        self,
        connect: Callable[[Callable[[str], None]], Awaitable[Wire]],
        up: Callable[[Wire], None],
        down: Callable[[str], None],
        backoff: Backoff,
    ) -> None:
        self._connect = connect
        self._up = up
        self._down = down
        self._backoff = backoff
        self._task: asyncio.Task[None] | None = None
        self._lost: asyncio.Future[str] | None = None  # of the wire of now
        self._hurry = asyncio.Event()  # ends a pause
        self.wire: Wire | None = None  # None: there is none

    def start(self) -> None:
        """Begin. Once."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def close(self) -> None:
        """End it, and the wire. Idempotent."""
        if self._task is not None:
            self._task.cancel()
        wire, self.wire = self.wire, None
        if wire is not None:
            wire.close()

    def hurry(self) -> None:
        """Try again now: something has changed."""
        self._hurry.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._lost = loop.create_future()
            lost = self._lost
            try:
                wire = await self._connect(partial(_settle, lost))
            except StorageError as error:
                self._down(str(error))
                await self._wait(self._backoff.pause())
                continue
            except Exception as error:  # noqa: BLE001 - a bug, or a URL that names no host: not to be deaf for ever
                self._down(f"{type(error).__name__}: {error}")
                await self._wait(self._backoff.pause())
                continue
            since = loop.time()
            self.wire = wire
            self._up(wire)
            reason = await lost
            self.wire = None
            if loop.time() - since > 1.0:  # it has lasted; one that breaks at once must not be tried without a pause
                self._backoff.reset()
            self._down(reason)
            await self._wait(self._backoff.pause())

    async def _wait(self, pause_s: float) -> None:
        self._hurry.clear()
        try:
            async with asyncio.timeout(pause_s):
                await self._hurry.wait()
        except TimeoutError:
            pass


def _settle(lost: asyncio.Future[str], reason: str) -> None:
    if not lost.done():
        lost.set_result(reason)

"""Opening: how a handle begins, and the bus as a handle sees it."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from arqonbus.client.codec import EventIn
from arqonbus.client.errors import Expired

__all__ = ["Keeper", "Opening", "Place"]


class Place(Protocol):
    """Where a handle gets its messages from."""

    def take(self) -> None:
        """Begin. Raises BusClosed, ValueError."""

    def leave(self) -> None:
        """End; without effect where it has not begun."""


class Keeper(Protocol):
    """The bus, as a handle sees it."""

    def opened(self, handle: Any) -> None:
        """Count a handle. Any: a Subscription or a Presence."""

    def closed(self, handle: Any) -> None:
        """Count it no more."""

    def running(self, change: int) -> None:
        """Count loops of handlers."""

    def has_read(self) -> None:
        """A reader took something: what the core wants to do about it is to be done."""

    def report(self, error: Exception) -> None:
        """Tell of an error that nobody else gets."""

    async def settle(self, event: EventIn, retry_after_s: float | None) -> int:
        """Acknowledge an event of a durable group, or (seconds) say that it is not done. Gives how many counted."""


class Opening:
    """The wait of one handle for its start.

    Args:
        timeout_s: for how long
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._started = asyncio.Event()

    def has_started(self) -> None:
        """Let the wait end."""
        self._started.set()

    async def wait(self, what: str) -> None:
        """Wait for the start. Raises Expired: it did not come; `what` says what is missing."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._started.wait()
        except TimeoutError:
            raise Expired(f"{what} within {self._timeout_s:g} s") from None

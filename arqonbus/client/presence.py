"""Presence: a handle that follows who is in a channel. Rule R47 of docs/sdk-spec.md.

async with bus.presence("science:explore") as here:
    print(sorted(here.members))
    async for change in here:
        print(change.kind, change.client, here.count)
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from arqonbus.client.errors import ClientError
from arqonbus.client.opening import Keeper, Opening, Place
from arqonbus.client.results import MemberInfo
from arqonbus.client.roster import Change, Roster

__all__ = ["Presence"]


class Presence:
    """Who is in one channel: a view that is kept true, and the changes of it. Made by the bus."""

    def __init__(
        self, name: str, roster: Roster, place: Place, keeper: Keeper, *, open_timeout_s: float = 10.0
    ) -> None:
        self.name = name
        self._roster = roster
        self._place = place
        self._keeper = keeper
        self._opening = Opening(open_timeout_s)
        self._bell = asyncio.Event()
        self._is_open = False
        self._is_closed = False
        roster.wake = self._bell.set

    @property
    def members(self) -> Mapping[str, MemberInfo]:
        """Who is there now, by client id; a view. Empty where there are too many to be listed."""
        return self._roster.members

    @property
    def count(self) -> int:
        """How many are there."""
        return self._roster.count

    @property
    def is_listed(self) -> bool:
        """Whether `members` holds all; else only `count` is known."""
        return self._roster.is_listed

    async def open(self) -> Self:
        """Join, and wait until it is known who is there. Raises as `Subscription.open` does."""
        if self._is_open:
            return self
        self._is_open = True
        try:
            self._keeper.opened(self)
            self._place.take()
            await self._opening.wait(f"it was not known who is in {self.name}")
            if self._roster.error is not None:
                raise self._roster.error
        except BaseException:
            self.close()
            raise
        self._roster.take()  # the reset that it begins with: whoever opens it looks at `members`
        return self

    def has_started(self) -> None:
        """Let `open` go on; called by the bus."""
        self._opening.has_started()

    def close(self) -> None:
        """Want no more. Closing twice is fine."""
        if not self._is_closed:
            self._is_closed = True
            self._roster.end()
            self._place.leave()
            self._keeper.closed(self)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        await self.open()
        while True:
            change = self._roster.take()
            if change is not None:
                return change
            if self._roster.has_ended:
                if self._roster.error is not None:
                    raise self._roster.error
                raise StopAsyncIteration
            self._bell.clear()
            await self._bell.wait()

    async def get(self, *, timeout_s: float | None = None) -> Change:
        """Give the next change. Raises TimeoutError: none came in time; EOFError: the handle has ended."""
        async with asyncio.timeout(timeout_s):
            try:
                return await anext(self)
            except StopAsyncIteration:
                raise EOFError(f"the handle of {self.name} has ended") from None

    @property
    def error(self) -> ClientError | None:
        """What the handle ended with."""
        return self._roster.error

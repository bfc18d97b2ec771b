"""States: the changes of a bus as an iterator. Rule R2."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Self

from arqonbus.client.state import StateChange

__all__ = ["States"]

MOST_CHANGES: Final = 1000
"""That wait for a reader; of more, the oldest go: a reader that far behind wants the newest."""


class States:
    """The changes of one bus from now on, in order; ends behind `closed`. Made by the bus."""

    def __init__(self) -> None:
        self._changes: deque[StateChange] = deque(maxlen=MOST_CHANGES)
        self._bell = asyncio.Event()
        self._has_ended = False

    def put(self, change: StateChange) -> None:
        """Take in a change; called by the bus."""
        self._changes.append(change)
        self._has_ended = change.after == "closed"
        self._bell.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StateChange:
        while not self._changes:
            if self._has_ended:
                raise StopAsyncIteration
            self._bell.clear()
            await self._bell.wait()
        return self._changes.popleft()

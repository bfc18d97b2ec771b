"""Settlement: what becomes of one event of a durable group, as its member says. Rules R57 and R58."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

__all__ = ["RETRY_MOST_S", "RETRY_S", "Settle", "Settlement", "retry_s"]

RETRY_S: Final = 1.0  # before the second attempt, where a handler fails; doubled for each further one
RETRY_MOST_S: Final = 60.0

Settle: TypeAlias = Callable[[float | None], Awaitable[int]]
"""Tells the server: done (None), or give it again after so many seconds. Gives how many events that was right for."""


class Settlement:
    """Of one message.

    Args:
        settle: tells the server.
    """

    __slots__ = ("_settle", "is_said")

    def __init__(self, settle: Settle) -> None:
        self._settle = settle
        self.is_said = False  # the program has said it, whether or not the server has heard it yet

    async def say(self, retry_after_s: float | None) -> bool:
        """Say that it is done, or (seconds) that it is not. Gives whether it was still this member's to say."""
        self.is_said = True
        return await self._settle(retry_after_s) == 1


def retry_s(attempt: int) -> float:
    """Say how long to wait before an event is given again whose handler failed at this attempt (>= 1)."""
    return min(RETRY_MOST_S, RETRY_S * (1 << min(attempt - 1, 10)))

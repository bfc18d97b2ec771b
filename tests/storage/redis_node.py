"""A node's store for tests: on a real Redis, with clocks and names of its own, closed in the end."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from arqonbus.storage.redis_address import parse
from arqonbus.storage.redis_history import RedisHistory
from arqonbus.storage.redis_store import RedisSetup

__all__ = ["Clock", "Notices", "redis_history", "redis_setup"]

_names = count(1)


class Clock:
    """The wall clock, or one that is moved by hand from where it was."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def time(self) -> float:
        return time.time() + self.ahead_s

    def advance(self, seconds: float) -> None:
        self.ahead_s += seconds


class Notices:
    """Writes down what is said to the log."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, **fields: Any) -> None:
        self.said.append((event, fields))

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.said]


def redis_setup(url: str, **more: Any) -> RedisSetup:
    settings: dict[str, Any] = {
        "address": parse(url),
        "node": f"n{next(_names)}",
        "random": random.Random(7).random,
        "notice": Notices(),
        "prefix": "t",
    }
    return RedisSetup(**{**settings, **more})


@contextlib.asynccontextmanager
async def redis_history(url: str, **more: Any) -> AsyncIterator[RedisHistory]:
    """Give a started store."""
    history = RedisHistory(redis_setup(url, **more))
    history.start()
    try:
        await history.settled()
        yield history
    finally:
        await history.close()

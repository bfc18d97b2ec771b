"""StoreGroup: a node's hold on a durable group of a SharedStore. What it asks takes time, and fails when cut off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from arqonbus.errors import StorageError
from arqonbus.storage.memory_group import MemoryGroup, Ready
from arqonbus.storage.shared_group import GroupOptions, GroupStanding, Start, Work
from arqonbus.testing.promise import Promise

__all__ = ["StoreGroup"]

T = TypeVar("T")
Later = Callable[[Callable[[], None]], None]


class StoreGroup:
    """See SharedGroup.

    Args:
        group: what the store knows.
        line: on which questions and answers go, in their order.
        is_up: whether the node reaches the store now.
    """

    def __init__(self, group: MemoryGroup, line: Later, is_up: Callable[[], bool]) -> None:
        self._group = group
        self._line = line
        self._is_up = is_up

    def _ask(self, do: Callable[[], Ready[T]]) -> Awaitable[T]:
        promise: Promise[T] = Promise()
        self._line(lambda: self._answer(promise, do))
        return promise

    def _answer(self, promise: Promise[T], do: Callable[[], Ready[T]]) -> None:
        if not self._is_up():
            promise.fail(StorageError("away"))
            return
        value = do().value
        self._line(lambda: promise.keep(value) if self._is_up() else promise.fail(StorageError("the answer was lost")))

    def open(self, options: GroupOptions, start: Start) -> Awaitable[GroupOptions]:
        """See SharedGroup."""
        return self._ask(lambda: self._group.open(options, start))

    def take(self, n: int, members: int | None = None) -> Awaitable[Sequence[Work]]:
        """See SharedGroup."""
        return self._ask(lambda: self._group.take(n, members))

    def ack(self, works: Sequence[Work], *, dead: bool = False) -> Awaitable[int]:
        """See SharedGroup."""
        return self._ask(lambda: self._group.ack(works, dead=dead))

    def give_back(self, works: Sequence[Work], *, after_s: float = 0.0, counts: bool = True) -> Awaitable[None]:
        """See SharedGroup."""
        return self._ask(lambda: self._group.give_back(works, after_s=after_s, counts=counts))

    def standing(self) -> Awaitable[GroupStanding | None]:
        """See SharedGroup."""
        return self._ask(self._group.standing)

    def close(self, works: Sequence[Work] = ()) -> None:
        """See SharedGroup."""
        self._line(lambda: self._group.close(works) if self._is_up() else None)

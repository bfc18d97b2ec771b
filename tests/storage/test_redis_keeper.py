"""One wire, kept standing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from arqonbus.errors import StorageError
from arqonbus.storage.redis_keeper import Keeper
from arqonbus.storage.redis_link import Backoff
from tests.storage.shared_contract import eventually


class Line:
    """Something that can be opened and lost, like a wire."""

    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


class Other:
    """The other end: refuses as often as it is told to, then answers."""

    def __init__(self, *trouble: Exception) -> None:
        self.trouble = list(trouble)
        self.said: list[str] = []
        self.lose: Callable[[str], None] = lambda reason: None
        self.keeper = Keeper(self.connect, self.up, self.down, Backoff(lambda: 0.0))

    async def connect(self, on_lost: Callable[[str], None]) -> Any:
        self.lose = on_lost
        await asyncio.sleep(0)
        if self.trouble:
            raise self.trouble.pop(0)
        return Line()

    def up(self, wire: Any) -> None:
        assert self.keeper.wire is wire
        self.said.append("up")

    def down(self, reason: str) -> None:
        assert self.keeper.wire is None
        self.said.append(reason)


async def test_it_tries_until_it_stands() -> None:
    other = Other(StorageError("refused"), StorageError("refused"))
    other.keeper.start()

    await eventually(lambda: other.said == ["refused", "refused", "up"])
    other.keeper.close()


async def test_what_is_lost_is_opened_again() -> None:
    other = Other()
    other.keeper.start()
    await eventually(lambda: other.said == ["up"])
    other.lose("gone")
    other.lose("gone twice")

    await eventually(lambda: other.said == ["up", "gone", "up"])
    other.keeper.close()


async def test_a_fault_of_ours_does_not_end_it() -> None:
    other = Other(ZeroDivisionError("oops"))
    other.keeper.start()

    await eventually(lambda: other.said == ["ZeroDivisionError: oops", "up"])
    other.keeper.close()


async def test_closing_ends_the_wire_and_all_attempts() -> None:
    other = Other()
    other.keeper.start()
    await eventually(lambda: other.keeper.wire)
    wire: Any = other.keeper.wire
    other.keeper.close()
    other.keeper.close()
    other.lose("late")
    await asyncio.sleep(0.01)

    assert wire.is_closed
    assert other.said == ["up"]


async def test_a_pause_ends_when_something_has_changed() -> None:
    other = Other(StorageError("refused"), StorageError("refused"))
    other.keeper = Keeper(other.connect, other.up, other.down, Backoff(lambda: 0.999, least_s=3600.0, most_s=3600.0))
    other.keeper.start()
    await eventually(lambda: other.said == ["refused", "refused"])
    await asyncio.sleep(0)
    other.keeper.hurry()

    await eventually(lambda: other.said == ["refused", "refused", "up"])
    other.keeper.close()

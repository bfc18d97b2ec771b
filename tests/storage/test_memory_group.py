"""Durable groups in memory: the contract."""

from itertools import count
from typing import Any

import pytest

from arqonbus.actor.testing import FakeClock
from arqonbus.storage.memory import MemoryHistory
from arqonbus.storage.memory_group import MemoryGroup
from arqonbus.storage.shared_memory import MemorySharedHistory
from tests.storage.group_contract import OPTIONS, GroupContract, GroupWorld
from tests.storage.shared_contract import Member


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def history(clock: FakeClock) -> MemorySharedHistory:
    epochs = count(1)
    return MemorySharedHistory(MemoryHistory(10**7, 3600.0, clock.time, lambda: str(next(epochs))), clock.time)


class TestMemoryGroup(GroupContract):
    """The contract."""

    @pytest.fixture
    def world(self, history: MemorySharedHistory, clock: FakeClock) -> GroupWorld:
        publisher = Member(history)

        async def wait(seconds: float) -> None:
            clock.advance(seconds)

        here = history.group("r", "c", "workers")
        there = MemoryGroup(here._state, "there")
        return GroupWorld(here, there, publisher.append, lambda: publisher.epoch, wait)


async def test_a_group_is_gone_with_its_channel_or_by_itself_when_nobody_is_in(history: MemorySharedHistory) -> None:
    publisher = Member(history)
    group = history.group("r", "c", "workers")
    await group.open(OPTIONS, None)
    await group.take(1, 1)
    assert await history.delete_group("r", "c", "workers") is None
    await group.take(0, 0)
    assert await history.delete_group("r", "c", "workers") is True
    assert await history.delete_group("r", "c", "workers") is False
    await history.group("r", "c", "workers").open(OPTIONS, None)
    await history.delete("r", "c")
    assert publisher.is_deleted
    assert await history.delete_group("r", "c", "workers") is False


def test_nothing_is_waited_for(history: MemorySharedHistory) -> None:
    """So an actor's ``pipe`` brings it home without a loop."""
    Member(history)
    taking: Any = history.group("r", "c", "workers").take(1)

    with pytest.raises(StopIteration):
        taking.__await__().send(None)

"""The shared seam over memory: the contract."""

from itertools import count

import pytest

from arqonbus.actor.testing import FakeClock
from arqonbus.storage.memory import MemoryHistory
from arqonbus.storage.shared_memory import MemorySharedHistory
from tests.storage.shared_contract import Member, SharedContract, SharedWorld


@pytest.fixture
def history(clock: FakeClock) -> MemorySharedHistory:
    epochs = count(1)
    memory = MemoryHistory(10_000_000, 3600.0, clock.time, lambda: str(next(epochs)))
    return MemorySharedHistory(memory, clock.time)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class TestSharedMemory(SharedContract):
    """The contract."""

    @pytest.fixture
    def world(self, history: MemorySharedHistory, clock: FakeClock) -> SharedWorld:
        return SharedWorld(history, clock.advance)


def test_nothing_is_waited_for(history: MemorySharedHistory) -> None:
    """So an actor's ``pipe`` brings it home without a loop."""
    member = Member(history)
    appending = member.append(b"a")

    with pytest.raises(StopIteration):
        appending.send(None)
    assert member.texts == [b"a"]
    assert history.backend == "memory"

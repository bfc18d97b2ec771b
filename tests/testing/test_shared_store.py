"""The store of several nodes in memory: the contract, and the faults that it plays."""

from __future__ import annotations

import pytest

from arqonbus.actor.testing import FakeClock
from arqonbus.errors import StorageError
from arqonbus.storage.history import Retention
from arqonbus.storage.shared_log import Entry, Missing, Rejected, Reset, Stored, Unheard, Unsure
from arqonbus.testing.shared_store import SharedStore
from tests.storage.shared_contract import Member, SharedContract, SharedWorld


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> SharedStore:
    store = SharedStore(clock.time)
    store.node("a")
    store.node("b")
    return store


class TestSharedStore(SharedContract):
    """The contract, with another node."""

    @pytest.fixture
    def world(self, store: SharedStore, clock: FakeClock) -> SharedWorld:
        return SharedWorld(store.nodes["a"], clock.advance, store.nodes["b"])


async def test_a_node_that_was_cut_is_told_what_it_missed(store: SharedStore) -> None:
    here, there = Member(store.nodes["a"]), Member(store.nodes["b"])
    store.cut("b")
    await here.append(b"1", b"2")
    assert there.texts == []

    store.mend("b")
    assert there.texts == [b"1", b"2"]
    assert there.links == ["holding", "up"]


async def test_what_is_gone_by_then_is_owned_to(store: SharedStore) -> None:
    few = Retention(1, 100.0, 1000)
    here, there = Member(store.nodes["a"], retention=few), Member(store.nodes["b"], retention=few)
    store.cut("b")
    await here.append(b"1", b"2", b"3")

    store.mend("b")
    assert there.missing == [(1, 2)]
    assert there.texts == [b"3"]


async def test_an_append_waits_while_the_store_is_away_and_is_refused_once_it_is_for_long(store: SharedStore) -> None:
    here = Member(store.nodes["a"])
    store.cut("a")
    waiting = here.log.append([Entry(b"1")])
    store.give_up("a")

    assert await waiting == [Rejected("away")]
    assert await here.append(b"2") == [Rejected("away")]
    store.mend("a")
    assert isinstance((await here.append(b"3"))[0], Stored)


async def test_a_rewound_log_is_renumbered_for_all(store: SharedStore) -> None:
    here, there = Member(store.nodes["a"]), Member(store.nodes["b"])
    await here.append(b"1", b"2", b"3")
    store.rewind(("r", "c"), 2)
    await there.append(b"4")

    resets = [fed for member in (here, there) for fed in member.fed if isinstance(fed, Reset)]
    assert [(reset.seq, reset.reason) for reset in resets] == [(1, "rewound"), (1, "rewound")]
    assert (here.seq, there.seq) == (2, 2)
    assert here.texts == [b"1", b"2", b"3", b"4"]


async def test_a_node_that_lost_what_it_was_told_finds_out(store: SharedStore) -> None:
    here, there = Member(store.nodes["a"]), Member(store.nodes["b"])
    store.lose("b", ("r", "c"))
    await here.append(b"1")

    assert there.texts == [b"1"]


async def test_a_log_without_history_cannot_be_mended(store: SharedStore) -> None:
    none = Retention(0, 100.0, 1000)
    here, there = Member(store.nodes["a"], retention=none), Member(store.nodes["b"], retention=none)
    store.cut("b")
    await here.append(b"1")
    store.mend("b")

    assert [fed for fed in there.fed if isinstance(fed, Missing)] == [Missing(there.epoch, 1, 1)]


async def test_a_node_that_is_cut_is_not_answered(store: SharedStore) -> None:
    store.cut("a")

    with pytest.raises(StorageError):
        await store.nodes["a"].channels("r")


async def test_a_room_is_told_that_it_was_not_heard_for_a_while(store: SharedStore) -> None:
    told: list[object] = []
    store.nodes["a"].follow("r", told.append)
    store.cut("a")
    Member(store.nodes["b"])
    store.mend("a")

    assert told == [Unheard()]


async def test_an_answer_that_was_on_its_way_is_not_known(clock: FakeClock) -> None:
    """It takes a moment each way, and the link goes between the two."""
    later: list[tuple[float, object]] = []
    store = SharedStore(clock.time, lambda: lambda callback: later.append((0.0, callback)))

    def step() -> None:
        later.pop(0)[1]()  # type: ignore[operator]

    here = Member(store.node("a"))
    while later:
        step()
    waiting = here.log.append([Entry(b"1")])
    step()
    store.give_up("a")
    while later:
        step()
    assert await waiting == [Unsure("away")]
    store.mend("a")
    while later:
        step()
    assert here.texts == [b"1"]

"""Durable groups of a SharedStore: the contract, and what a node that is cut off is told."""

from __future__ import annotations

import pytest

from arqonbus.actor.testing import FakeClock
from arqonbus.errors import StorageError
from arqonbus.testing.shared_store import SharedStore
from tests.storage.group_contract import OPTIONS, GroupContract, GroupWorld
from tests.storage.shared_contract import Member


class TestStoreGroup(GroupContract):
    """The contract."""

    @pytest.fixture
    def world(self) -> GroupWorld:
        clock = FakeClock()
        store = SharedStore(clock.time)
        publisher = Member(store.node("here"))
        here, there = publisher_group(store, "here"), publisher_group(store, "there")

        async def wait(seconds: float) -> None:
            clock.advance(seconds)

        return GroupWorld(here, there, publisher.append, lambda: publisher.epoch, wait)


def publisher_group(store: SharedStore, name: str):  # type: ignore[no-untyped-def]
    return (store.nodes.get(name) or store.node(name)).group("r", "c", "workers")


async def test_a_node_that_is_cut_off_learns_nothing_and_changes_nothing() -> None:
    store = SharedStore(FakeClock().time)
    publisher = Member(store.node("here"))
    group = publisher_group(store, "here")
    await group.open(OPTIONS, 0)
    await publisher.append(b"a")
    (work,) = await group.take(1, 1)
    store.cut("here")
    for asked in (group.take(1), group.ack([work]), group.give_back([work]), group.standing()):
        with pytest.raises(StorageError):
            await asked
    group.close([work])
    store.mend("here")

    assert await group.ack([work]) == 1


async def test_an_answer_may_be_lost_with_what_it_took() -> None:
    waiting = []
    store = SharedStore(FakeClock().time, lambda: waiting.append)
    store.node("here").open_logs.clear()
    node = store.nodes["here"]
    Member(node)
    while waiting:
        waiting.pop(0)()
    group = node.group("r", "c", "workers")
    taking = group.take(1)
    waiting.pop(0)()
    store.cut("here")
    waiting.pop(0)()

    with pytest.raises(StorageError, match="lost"):
        await taking

"""One node's hold on a log: what it is told after its way to the store was lost at any point."""

from __future__ import annotations

from random import Random

import pytest

from arqonbus.actor.testing import FakeClock
from arqonbus.storage.history import Retention
from arqonbus.storage.shared_log import Entry, Opened
from arqonbus.testing.shared_store import Later, SharedStore
from tests.storage.shared_contract import Member


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_lost_on_the_way_the_feed_keeps_its_promises(seed: int) -> None:
    """Member asserts the order at each thing told; in the end each node has come to the same place."""
    random, clock = Random(seed), FakeClock()

    def line() -> Later:
        last = [0.0]

        def later(callback: object) -> None:
            last[0] = max(last[0] + 1e-6, clock.time() + random.random())
            clock.call_later(last[0] - clock.time(), callback)  # type: ignore[arg-type]

        return later

    store = SharedStore(clock.time, line)
    names = ("a", "b", "c")
    retention = Retention(random.choice((3, 1000)), 1000.0, 10_000)
    members = [Member(store.node(name), retention=retention) for name in names]
    for i in range(60):
        node = random.choice(names)
        fault = random.random()
        if fault < 0.08:
            store.cut(node)
        elif fault < 0.12:
            store.give_up(node)
        elif fault < 0.3:
            store.mend(node)
        elif fault < 0.34:
            store.lose(node, ("r", "c"))
        elif fault < 0.36:
            store.rewind(("r", "c"), random.randrange(3))
        else:
            members[names.index(node)].log.append([Entry(b"%d" % i)])
        clock.advance(random.random())
    for name in names:
        store.mend(name)
        store.nodes[name].look_again(("r", "c"))
    clock.advance(1000)

    top = (store.logs["r", "c"].epoch, store.logs["r", "c"].top)
    assert [(member.epoch, member.seq) for member in members] == [top] * 3
    assert all(member.links[-1:] in ([], ["up"]) for member in members)


async def test_who_makes_a_log_is_told_so() -> None:
    store = SharedStore(FakeClock().time)
    made, found = Member(store.node("a"), note=b"1"), Member(store.node("b"), note=b"2")

    assert made.opened == Opened("1001", 0, b"1", True)
    assert found.opened == Opened("1001", 0, b"1", False)

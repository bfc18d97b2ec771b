"""Several nodes in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from arqonbus.storage.cluster import Lapsed, LineDown, LineHeard, LineUp, NodeGone, NodeTold
from arqonbus.storage.memory_cluster import MemoryHub
from tests.storage.cluster_contract import ClusterContract, Listening


class TestContract(ClusterContract):
    @pytest.fixture
    def nodes(self) -> tuple[Listening, Listening]:
        hub = MemoryHub()
        one, two = hub.node("n1"), hub.node("n2")
        return Listening(one), Listening(two)

    @pytest.fixture
    def settle(self) -> Any:
        async def settle(holds: Callable[[], Any]) -> None:
            assert holds()

        return settle


async def test_a_node_that_is_cut_off_reaches_nobody_and_is_reached_by_nobody() -> None:
    hub = MemoryHub()
    one, two = Listening(hub.node("n1")), Listening(hub.node("n2"))
    lines: list[LineHeard] = []
    line = two.cluster.follow("r", lines.append)
    two.cluster.enter("c-2")
    hub.cut("n2")

    assert await one.cluster.send(["c-2"], [b"x"]) == ["absent"]
    assert await two.cluster.send(["c-2"], [b"x"]) == ["unknown"]
    two.cluster.tell(None, b"x")
    line.say(b"x")
    hub.mend("n2", lapsed=True)

    assert lines == [LineUp(), LineDown(), NodeTold(-1), LineUp()]
    assert one.of(NodeGone) == [NodeGone("n2", is_orderly=False)]
    assert two.of(Lapsed) == [Lapsed()]


def test_a_dead_node_is_told_of_and_forgotten() -> None:
    hub = MemoryHub()
    one = Listening(hub.node("n1"))
    hub.node("n2")
    hub.kill("n2", is_orderly=True)

    assert one.of(NodeGone) == [NodeGone("n2", is_orderly=True)]
    assert set(one.cluster.living) == {"n1"}

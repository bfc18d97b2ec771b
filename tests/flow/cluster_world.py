"""Several buses of one process, with the way between them in memory, on one clock and one loop driven by hand.

nodes = Nodes(2)
ada, bob = nodes.connect(0), nodes.connect(1)
ada.send({"type": "private", "to": [bob.id], "payload": "hi"})
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arqonbus.actor.testing import ManualDispatcher
from arqonbus.config.settings import Settings
from arqonbus.server.assembly import Bus
from arqonbus.storage.memory_cluster import MemoryCluster, MemoryHub
from arqonbus.storage.shared_log import SharedHistory
from arqonbus.testing.shared_store import SharedStore
from tests.flow.world import Client, World, settings

__all__ = ["NodeWorld", "Nodes"]


class NodeWorld(World):
    """One node: a World beside others."""

    def __init__(
        self, manual: ManualDispatcher, cluster: MemoryCluster, shared: SharedHistory | None, wanted: Settings
    ) -> None:
        self.manual = manual
        self.clock_fails = False
        self.cluster = cluster
        self.bus = Bus(wanted, manual.dispatcher, self._timestamp, cluster.node, shared=shared, cluster=cluster)
        self.run()


class Nodes:
    """``n`` nodes, named n0, n1 ..., each with logs of its own, or one of all if they are ``shared``."""

    def __init__(
        self, n: int, order: Callable[[int], int] | None = None, *, shared: bool = False, **values: Any
    ) -> None:
        self.manual = ManualDispatcher(order=order)
        self.store = SharedStore(self.manual.clock.time) if shared else None
        self.hub = MemoryHub()
        self.wanted = settings(**values)
        self.worlds = [self.add(f"n{i}") for i in range(n)]

    def add(self, name: str) -> NodeWorld:
        """Start one more."""
        shared = self.store.node(name) if self.store is not None else None
        return NodeWorld(self.manual, self.hub.node(name), shared, self.wanted)

    def connect(self, i: int, **hello: Any) -> Client:
        """A client of the node with that number."""
        return self.worlds[i].connect(**hello)

    def member(self, i: int, room: str, channel: str, **more: Any) -> Client:
        """A client of the node with that number, that joined, with nothing left to take."""
        return self.worlds[i].member(room, channel, **more)

    def kill(self, i: int, *, is_orderly: bool = False) -> None:
        """End a node without a word to its clients."""
        self.hub.kill(f"n{i}", is_orderly=is_orderly)
        self.run()

    def run(self) -> None:
        self.manual.run_until_idle()

    def advance(self, seconds: float) -> None:
        self.manual.advance(seconds)

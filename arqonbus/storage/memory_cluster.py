"""MemoryCluster: several nodes of one process, in memory. Never suspends; a letter is there before its sending returns.

For tests and simulations of what is written against the seam. Faults are the test's to make: ``cut`` and ``kill``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence

from arqonbus.storage.cluster import (
    Delivery,
    ForClient,
    ForNode,
    Heard,
    Lapsed,
    LineDown,
    LineHeard,
    LineUp,
    NodeGone,
    NodeTold,
    RoomSaid,
    SecretKnown,
)
from arqonbus.storage.memory_group import Ready
from arqonbus.storage.shared_log import LinkState

__all__ = ["MemoryCluster", "MemoryHub", "MemoryLine"]


class MemoryHub:
    """What the nodes have between them."""

    def __init__(self) -> None:
        self.nodes: dict[str, MemoryCluster] = {}
        self.secret = bytes(32)
        self.n_letters = 0  # sent so far, of any kind

    def node(self, name: str) -> MemoryCluster:
        """Add a node."""
        self.nodes[name] = MemoryCluster(self, name)
        return self.nodes[name]

    def reachable(self) -> list[MemoryCluster]:
        """Those who hear what is said."""
        return [node for node in self.nodes.values() if node.state == "up"]

    def kill(self, name: str, *, is_orderly: bool = False) -> None:
        """End a node; all others are told."""
        dead = self.nodes.pop(name)
        dead.state = "local"
        for node in self.reachable():
            node.hear(NodeGone(name, is_orderly))

    def cut(self, name: str) -> None:
        """Put a node out of reach; nobody notices yet."""
        self.nodes[name].go("local")

    def mend(self, name: str, *, lapsed: bool = False) -> None:
        """Bring it back; ``lapsed``: the others took it for dead meanwhile."""
        node = self.nodes[name]
        if lapsed:
            for other in self.reachable():
                other.hear(NodeGone(name, is_orderly=False))
        node.go("up")
        if lapsed:
            node.hear(Lapsed())


class MemoryLine:
    """One room on one node."""

    def __init__(self, cluster: MemoryCluster, room: str, tell: Callable[[LineHeard], object]) -> None:
        self.room = room
        self.tell = tell
        self._cluster = cluster
        if cluster.state == "up":
            tell(LineUp())

    def say(self, data: bytes, counts: bool = False) -> None:
        """See RoomLine."""
        lines = self._cluster.lines_of(self.room)
        for line in lines:
            line.tell(RoomSaid(data))
        if self._cluster.state != "up":
            self.tell(NodeTold(-1))
        elif counts:
            self.tell(NodeTold(len(lines)))

    def close(self) -> None:
        """See RoomLine."""
        if self._cluster.lines.get(self.room) is self:
            del self._cluster.lines[self.room]


class MemoryCluster:
    """One node."""

    def __init__(self, hub: MemoryHub, node: str) -> None:
        self.node = node
        self.state: LinkState = "up"
        self.clients: set[str] = set()
        self.lines: dict[str, MemoryLine] = {}
        self._hub = hub
        self._tell: Callable[[Heard], None] | None = None

    @property
    def living(self) -> Collection[str]:
        """See Cluster."""
        return self._hub.nodes.keys()

    def attach(self, tell: Callable[[Heard], None]) -> None:
        """See Cluster."""
        self._tell = tell
        tell(SecretKnown(self._hub.secret))

    def enter(self, client: str) -> None:
        """See Cluster."""
        self.clients.add(client)

    def leave(self, client: str) -> None:
        """See Cluster."""
        self.clients.discard(client)

    def send(self, clients: Sequence[str], data: Sequence[bytes]) -> Awaitable[Sequence[Delivery]]:
        """See Cluster."""
        return Ready([self._send(client, letter) for client, letter in zip(clients, data, strict=True)])

    def _send(self, client: str, letter: bytes) -> Delivery:
        if self.state != "up":
            return "unknown"
        self._hub.n_letters += 1
        there = [node for node in self._hub.reachable() if client in node.clients]
        for node in there:
            node.hear(ForClient(client, letter))
        return "delivered" if there else "absent"

    def tell(self, node: str | None, data: bytes) -> None:
        """See Cluster."""
        if self.state != "up":
            return
        for other in self._hub.reachable():
            if other.node == node or (node is None and other is not self):
                self._hub.n_letters += 1
                other.hear(ForNode(self.node, data))

    def follow(self, room: str, tell: Callable[[LineHeard], object]) -> MemoryLine:
        """See Cluster."""
        self.lines[room] = MemoryLine(self, room, tell)
        return self.lines[room]

    # --- for the hub --------------------------------------------------------------------------------------------

    def hear(self, heard: Heard) -> None:
        """Take what came."""
        if self._tell is not None:
            self._tell(heard)

    def lines_of(self, room: str) -> list[MemoryLine]:
        """Give the room's lines that hear what this node says."""
        if self.state != "up":
            return []
        self._hub.n_letters += 1
        return [node.lines[room] for node in self._hub.reachable() if room in node.lines]

    def go(self, state: LinkState) -> None:
        """Be within reach, or not."""
        self.state = state
        for line in list(self.lines.values()):
            line.tell(LineUp() if state == "up" else LineDown())

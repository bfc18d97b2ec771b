"""Cluster: the seam between one server and the others of its bus, beside the logs. Carries letters, reads none of them.

A letter goes to a client, wherever it is; to a node, or all; or to all nodes on which a room lives. At most once: what
must not be missed has to be asked for again after LineUp. Nothing here waits; what comes is told to a function that
makes it mail. None of the methods raises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from arqonbus.storage.shared_log import LinkState

__all__ = [
    "Cluster",
    "Delivery",
    "ForClient",
    "ForNode",
    "Heard",
    "Lapsed",
    "LineDown",
    "LineHeard",
    "LineUp",
    "NodeGone",
    "NodeTold",
    "RoomLine",
    "RoomSaid",
    "SecretKnown",
]

Delivery: TypeAlias = Literal["delivered", "absent", "unknown"]
"""``delivered``: a node that has the client took it. ``absent``: nobody has it. ``unknown``: nobody answered."""


# --- what a server is told ----------------------------------------------------------------------------------------


class ForClient(Struct, frozen=True, gc=False):
    """A letter for a client of this node."""

    client: str
    data: bytes


class ForNode(Struct, frozen=True, gc=False):
    """A letter for this node, or for all."""

    sender: str  # node
    data: bytes


class NodeGone(Struct, frozen=True):
    """Another node is no more."""

    node: str
    is_orderly: bool  # it said so; else its lease is over


class Lapsed(Struct, frozen=True):
    """This node counted as dead for a while: the others have forgotten what it told them."""


class SecretKnown(Struct, frozen=True):
    """The secret that all nodes share."""

    secret: bytes


Heard: TypeAlias = ForClient | ForNode | NodeGone | Lapsed | SecretKnown


# --- what a room is told ------------------------------------------------------------------------------------------


class LineUp(Struct, frozen=True):
    """From here on nothing is missed; before it something may have been."""


class LineDown(Struct, frozen=True):
    """From some moment before now on everything is missed."""


class RoomSaid(Struct, frozen=True, gc=False):
    """A letter to the nodes on which the room lives; also one of this node's own."""

    data: bytes


class NodeTold(Struct, frozen=True):
    """How many nodes, this one too, took a letter that was said; -1: it may not have been heard by all."""

    n_nodes: int


LineHeard: TypeAlias = LineUp | LineDown | RoomSaid | NodeTold


# --- the seam -----------------------------------------------------------------------------------------------------


class RoomLine(Protocol):
    """What the nodes on which a room lives say to each other of it."""

    def say(self, data: bytes, counts: bool = False) -> None:
        """Have RoomSaid told on all of them, this one too, in the order of the calls.

        NodeTold follows here, if ``counts``, or if it failed.
        """

    def close(self) -> None:
        """Hear no more. Idempotent."""


class Cluster(Protocol):
    """One node's way to the others."""

    node: str
    """Name of this life of this node."""

    @property
    def state(self) -> LinkState:
        """Whether the others are within reach."""

    @property
    def living(self) -> Collection[str]:
        """The nodes that live, as far as is known; this one too."""

    def attach(self, tell: Callable[[Heard], None]) -> None:
        """Tell what is heard from now on. To be called once, before all else."""

    def enter(self, client: str) -> None:
        """Take letters for a client. Idempotent."""

    def leave(self, client: str) -> None:
        """Take no more. Idempotent."""

    def send(self, clients: Sequence[str], data: Sequence[bytes]) -> Awaitable[Sequence[Delivery]]:
        """Send each client its letter. Letters to one client keep their order. Gives what became of each."""

    def tell(self, node: str | None, data: bytes) -> None:
        """Send a letter to one node, or (None) to all others."""

    def follow(self, room: str, tell: Callable[[LineHeard], object]) -> RoomLine:
        """Hear what nodes say of a room from now on. One at a time for a room."""

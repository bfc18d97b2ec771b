"""SharedGroup: the seam between a durable group and the store in which it stands. Beside `shared_log`.

A group remembers, for all nodes, up to which event of a log it has given work out, and what was given out but not
acknowledged. It leases events to nodes: whoever takes one has it alone for the group's ``ack_wait_s``; then it may be
taken by any node, with one more attempt. Members are the nodes' own affair.

    log ──take──▶ leased to a node ──ack──▶ done
           ▲             │
           └─────────────┴─ given back, or the lease is over
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

__all__ = ["MEMBERS_S", "GroupOptions", "GroupStanding", "Holding", "SharedGroup", "Start", "Work"]

MEMBERS_S = 15.0
"""How long a node's number of members is believed."""

Start: TypeAlias = int | None
"""Where a new group begins: behind the event with this seq; None: behind the newest."""


class GroupOptions(Struct, frozen=True):
    """What holds for a group on all nodes. Whoever makes the group says it; that stands."""

    ack_wait_s: float = 30.0  # > 0; that whoever was given an event has to acknowledge it
    max_deliver: int = 5  # >= 1; how often an event is given, at most
    dead_letter: str = ""  # channel of the same room, for events that were given too often; empty: none
    prefetch: int = 32  # >= 1; events that a member may have without having acknowledged them
    lasts: bool = True  # without members; False: it is over then, and begins behind the newest event with the next


class Work(Struct, frozen=True, gc=False):
    """One event, leased."""

    epoch: str
    seq: int
    text: bytes  # JSON object without seq, as in the log
    attempt: int  # how often it was leased, with this time; less what was given back without counting


class Holding(Struct, frozen=True):
    """What one node has of a group."""

    members: int
    in_work: int  # events leased to it


class GroupStanding(Struct, frozen=True):
    """How a group stands, over all nodes."""

    options: GroupOptions
    in_work: int  # leased, or given back and not taken again
    behind: int  # events that nobody was given yet
    oldest: int  # seq of the oldest in work; 0: none is
    by_node: Mapping[str, Holding]  # nodes with members, or with events
    redelivered: int  # so far
    dead: int  # likewise


class SharedGroup(Protocol):
    """One group as one node sees it. Used by one owner, on one loop; one ``take`` at a time.

    What gives an awaitable does its part when called, not when awaited, and raises StorageError by it.
    """

    def open(self, options: GroupOptions, start: Start) -> Awaitable[GroupOptions]:
        """Make the group if there is none. Gives the options that stand.

        One that does not last counts this node as a member from now on, and is made anew if no node was one before.
        """

    def take(self, n: int, members: int | None = None) -> Awaitable[Sequence[Work]]:
        """Lease at most ``n`` events (>= 0): what was given back first, then what nobody had.

        Args:
            n: most events.
            members: that the node has now, to be shown to the others: look for leases that are over as well, and let
                the group live on. To be said at least each MEMBERS_S seconds, and 0 in the end.

        A lease is at least ``ack_wait_s`` long, from the call on. What is lost with its answer is given back later.
        """

    def ack(self, works: Sequence[Work], *, dead: bool = False) -> Awaitable[int]:
        """Say that work is done, or was given up (``dead``). Gives how much of it was leased to this node still."""

    def give_back(self, works: Sequence[Work], *, after_s: float = 0.0, counts: bool = True) -> Awaitable[None]:
        """End leases of this node; those that it has no more are left alone.

        Args:
            works: leased to this node.
            after_s: nobody is to have them sooner; at most ``ack_wait_s``.
            counts: the attempt counts; False: it was none.
        """

    def standing(self) -> Awaitable[GroupStanding | None]:
        """Say how it stands; None: there is no such group."""

    def close(self, works: Sequence[Work] = ()) -> None:
        """Use it no more: the node has no members now. Gives ``works`` back, without counting, if that can be done."""

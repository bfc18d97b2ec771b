"""Work: what durable groups give out, and what is known of a group. Frozen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from arqonbus.storage.redis_frames import Place

__all__ = ["GroupInfo", "GroupSetup", "Work"]


class Work(Struct, frozen=True, gc=False):
    """One event, given to a member."""

    epoch: str
    seq: int
    text: bytes
    n_given: int  # how often it was given to anybody, with this time

    @property
    def place(self) -> Place:
        """Where it stands in the log."""
        return Place(int(self.epoch), self.seq)


class GroupInfo(Struct, frozen=True):
    """How a group stands."""

    in_work: int
    behind: int  # events that nobody was given yet
    oldest: int  # seq of the oldest in work; 0: none is
    by_node: dict[str, int]  # in work


class GroupSetup(Struct, frozen=True):
    """What a group is given."""

    name: str
    ack_wait_s: float = 30.0  # after which an event that is not acknowledged is given again
    max_deliver: int = 5  # how often an event is given, at most
    start: int | None = None  # seq after which a new group begins; None: the top
    options: bytes = b"{}"  # what whoever makes it says of it; the first one's stand
    bury: Callable[[Work], Awaitable[bool]] | None = None  # stores an event that was given too often; False: try again

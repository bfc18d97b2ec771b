"""MemoryGroup: a durable group in memory, for any number of nodes of a process. Never suspends; gone with the process.

For tests and simulations of what is written against the seam. What retention takes from the log is lost to the group.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Generic, TypeVar

from arqonbus.storage.history import Log
from arqonbus.storage.shared_group import GroupOptions, GroupStanding, Holding, Start, Work

__all__ = ["MemoryGroup", "MemoryGroupState", "Ready"]

T = TypeVar("T")


class Ready(Generic[T]):
    """An awaitable that is there already: needs no loop."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __await__(self) -> Generator[None, None, T]:
        yield from ()
        return self.value


class _Lease:
    """One event that was given out."""

    __slots__ = ("attempt", "node", "text", "until")

    def __init__(self, node: str, text: bytes, attempt: int, until: float) -> None:
        self.node = node  # empty: nobody has it
        self.text = text
        self.attempt = attempt
        self.until = until  # seconds: nobody else may have it before


class MemoryGroupState:
    """What all nodes know of one group.

    Args:
        log: of the channel.
        clock: monotonic seconds.
    """

    def __init__(self, log: Log, clock: Callable[[], float]) -> None:
        self.log = log
        self.clock = clock
        self.options: GroupOptions | None = None  # None: it was not made yet
        self.epoch = log.epoch  # that the seqs are of
        self.given = 0  # seq of the newest event that was given to anybody
        self.leases: dict[int, _Lease] = {}
        self.members: dict[str, int] = {}  # by node
        self.redelivered = self.dead = 0

    def look(self) -> None:
        """See whether the log has a new epoch: then all that it keeps is given anew, under its new numbers."""
        if self.epoch != self.log.epoch:
            self.epoch, self.given = self.log.epoch, 0
            self.leases.clear()


class MemoryGroup:
    """One group on one node."""

    def __init__(self, state: MemoryGroupState, node: str) -> None:
        self._state = state
        self._node = node

    def open(self, options: GroupOptions, start: Start) -> Ready[GroupOptions]:
        """See SharedGroup."""
        state = self._state
        state.look()
        if state.options is None or not (state.options.lasts or any(state.members.values())):
            state.leases.clear()
            state.options = options
            state.given = state.log.top if start is None else start
        if not state.options.lasts:
            state.members.setdefault(self._node, 1)
        return Ready(state.options)

    def take(self, n: int, members: int | None = None) -> Ready[Sequence[Work]]:
        """See SharedGroup. O(leases)."""
        state = self._state
        state.look()
        now, wait_s = state.clock(), (state.options or GroupOptions()).ack_wait_s
        if members is not None:
            state.members[self._node] = members
        works: list[Work] = []
        for seq, lease in sorted(state.leases.items()):
            may_look = members is not None or not lease.node
            if len(works) < n and may_look and lease.until <= now:
                lease.node, lease.attempt, lease.until = self._node, lease.attempt + 1, now + wait_s
                state.redelivered += lease.attempt > 1
                works.append(Work(state.log.epoch, seq, lease.text, lease.attempt))
        if len(works) < n:
            for seq, text in state.log.read(after=state.given, limit=n - len(works)).events:
                state.given = seq
                state.leases[seq] = _Lease(self._node, text, 1, now + wait_s)
                works.append(Work(state.log.epoch, seq, text, 1))
        return Ready(works)

    def ack(self, works: Sequence[Work], *, dead: bool = False) -> Ready[int]:
        """See SharedGroup."""
        mine = [work for work in works if self._has(work)]
        for work in mine:
            del self._state.leases[work.seq]
        self._state.dead += len(mine) * dead
        return Ready(len(mine))

    def give_back(self, works: Sequence[Work], *, after_s: float = 0.0, counts: bool = True) -> Ready[None]:
        """See SharedGroup."""
        for work in works:
            if self._has(work):
                lease = self._state.leases[work.seq]
                lease.node, lease.until = "", self._state.clock() + after_s
                lease.attempt -= not counts
        return Ready(None)

    def _has(self, work: Work) -> bool:
        self._state.look()
        lease = self._state.leases.get(work.seq)
        is_same = lease is not None and (lease.node, lease.attempt) == (self._node, work.attempt)
        return is_same and work.epoch == self._state.epoch

    def standing(self) -> Ready[GroupStanding | None]:
        """See SharedGroup."""
        state = self._state
        if state.options is None:
            return Ready(None)
        nodes = sorted({lease.node for lease in state.leases.values()} | {n for n, m in state.members.items() if m})
        in_work = [lease.node for lease in state.leases.values()]
        by_node = {node: Holding(state.members.get(node, 0), in_work.count(node)) for node in nodes if node}
        oldest, behind = min(state.leases, default=0), state.log.top - state.given
        standing = GroupStanding(state.options, len(in_work), behind, oldest, by_node, state.redelivered, state.dead)
        return Ready(standing)

    def close(self, works: Sequence[Work] = ()) -> None:
        """See SharedGroup."""
        self.give_back(works, counts=False)
        self._state.members.pop(self._node, None)

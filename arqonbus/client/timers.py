"""Timers without a clock: named moments and what is to be done then. Pure; the driver asks when and calls `run`."""

import heapq
from collections.abc import Callable, Hashable
from itertools import count

__all__ = ["Timers"]


class Timers:
    """Named moments. Setting a name again replaces it. `set`, `cancel`: O(log n), amortised."""

    __slots__ = ("_by_name", "_heap", "_order")

    def __init__(self) -> None:
        self._by_name: dict[Hashable, tuple[float, int, Callable[[float], None]]] = {}
        self._heap: list[tuple[float, int, Hashable]] = []
        self._order = count()  # ties go by age

    def set(self, name: Hashable, at: float, action: Callable[[float], None]) -> None:
        """Do `action(now)` at `at` (monotonic seconds) or soon after."""
        order = next(self._order)
        self._by_name[name] = (at, order, action)
        heapq.heappush(self._heap, (at, order, name))
        if len(self._heap) > 2 * len(self._by_name) + 64:  # mostly cancelled ones: without this they would pile up
            self._heap = [(at, order, name) for name, (at, order, _) in self._by_name.items()]
            heapq.heapify(self._heap)

    def cancel(self, name: Hashable) -> None:
        """Forget a moment; without effect if there is none."""
        self._by_name.pop(name, None)

    def clear(self) -> None:
        """Forget all."""
        self._by_name.clear()
        self._heap.clear()

    def __contains__(self, name: Hashable) -> bool:
        return name in self._by_name

    @property
    def next_at(self) -> float | None:
        """When `run` is to be called; None: never."""
        while self._heap:
            at, order, name = self._heap[0]
            current = self._by_name.get(name)
            if current is not None and current[1] == order:
                return at
            heapq.heappop(self._heap)
        return None

    def run(self, now: float) -> None:
        """Do all that is due, in order of time. What is set meanwhile and due already is done too."""
        while (at := self.next_at) is not None and at <= now:
            _, _, name = heapq.heappop(self._heap)
            _, _, action = self._by_name.pop(name)
            action(now)

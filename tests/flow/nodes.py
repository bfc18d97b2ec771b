"""Several buses over one store, in one virtual time.

nodes = Nodes(2)
ada, ben = nodes[0].connect(), nodes[1].connect()
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from arqonbus.actor.testing import ManualDispatcher
from arqonbus.config.settings import Settings
from arqonbus.telemetry.tracer import Tracer
from arqonbus.testing.shared_store import Later, SharedStore
from tests.flow.world import World, settings

__all__ = ["Nodes"]


class Nodes:
    """Buses named "0", "1" ... Everything that they do with the store happens at once; with ``random`` in its time."""

    def __init__(
        self,
        n: int,
        wanted: Settings | None = None,
        random: Random | None = None,
        tracers: Sequence[Tracer] = (),
        **more: Any,
    ) -> None:
        self.manual = ManualDispatcher(order=None if random is None else lambda n: int(random.random() * n))
        self.random = random
        self.store = SharedStore(self.manual.clock.time, None if random is None else self._line)
        wanted = wanted or settings(**more)
        traced = [*tracers, *[None] * n]
        self.worlds = [
            World(wanted, tracer=traced[i], manual=self.manual, shared=self.store.node(str(i))) for i in range(n)
        ]

    def _line(self) -> Later:
        """Give a way on which things take a moment each, and do not overtake each other."""
        random, clock, last = self.random, self.manual.clock, [0.0]
        assert random is not None

        def later(callback: Callable[[], None]) -> None:
            last[0] = max(last[0] + 1e-6, clock.time() + random.random() * 0.01)
            clock.call_later(last[0] - clock.time(), callback)

        return later

    def __getitem__(self, i: int) -> World:
        return self.worlds[i]

    def run(self) -> None:
        self.manual.run_until_idle()

    def advance(self, seconds: float) -> None:
        self.manual.advance(seconds)

    # --- faults of the store, for node ``i`` --------------------------------------------------------------------

    def cut(self, i: int) -> None:
        self.store.cut(str(i))
        self.run()

    def give_up(self, i: int) -> None:
        self.store.give_up(str(i))
        self.run()

    def mend(self, i: int) -> None:
        self.store.mend(str(i))
        self.run()

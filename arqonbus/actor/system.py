"""ActorSystem: spawns the top actors, knows how many live, and stops them all, leaves first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from arqonbus.actor.actor import Props
from arqonbus.actor.cell import Cell
from arqonbus.actor.dispatcher import Dispatcher
from arqonbus.actor.errors import KernelError
from arqonbus.actor.ref import Ref
from arqonbus.actor.supervision import Directive, Strategy, always

__all__ = ["ActorSystem", "Statistics"]

M = TypeVar("M")

FailureHook = Callable[[Ref[Any], Any, Exception, Directive], None]
DeadLetterHook = Callable[[Ref[Any], Any], None]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counters since the start, and two gauges."""

    actors: int  # living now
    ready: int  # waiting for a turn now
    turns: int
    dead_letters: int
    failures: int
    restarts: int


def _ignore_failure(ref: Ref[Any], mail: Any, error: Exception, verdict: Directive) -> None:
    """Do nothing; the counters still move."""


def _ignore_dead_letter(ref: Ref[Any], mail: Any) -> None:
    """Do nothing; the counters still move."""


class ActorSystem:
    """All actors of one process on one dispatcher.

    Args:
        dispatcher: runs the turns.
        root_strategy: the rule for actors without a parent.
        on_failure: told of every failure with the verdict. An error that escalates is a failure of each actor on
            its way up.
        on_dead_letter: told of every mail whose receiver is gone.

    A hook that raises disturbs no actor: its error is raised again from a callback of the loop's.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        root_strategy: Strategy | None = None,
        on_failure: FailureHook = _ignore_failure,
        on_dead_letter: DeadLetterHook = _ignore_dead_letter,
    ) -> None:
        self.dispatcher = dispatcher
        self.root_strategy = root_strategy or Strategy(always(Directive.RESUME))
        self.n_restarts = 0
        self._n_cells = 0
        self._n_dead_letters = 0
        self._n_failures = 0
        self._tops: dict[str, Cell[Any]] = {}
        self._strategies: dict[str, Strategy] = {}  # of top actors that have one of their own
        self._gone: asyncio.Future[None] | None = None  # made by stop; done when the last actor is gone
        self._on_failure = on_failure
        self._on_dead_letter = on_dead_letter

    def spawn(self, props: Props[M], name: str, strategy: Strategy | None = None) -> Ref[M]:
        """Start an actor without a parent.

        Args:
            props: its recipe.
            name: unique among living top actors.
            strategy: the rule for it; None: the root strategy.

        Raises:
            KernelError: one of that name lives, or ``stop`` was called.
        """
        if name in self._tops:
            raise KernelError(f"an actor named {name} lives already")
        if self._gone is not None:
            raise KernelError(f"{name} came after the system began to stop")
        cell = self.make_cell(props, name, None)
        self._tops[name] = cell
        if strategy is not None:
            self._strategies[name] = strategy
        return cell.ref

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        return self.dispatcher.now()

    def statistics(self) -> Statistics:
        """Read the counters. O(1)."""
        return Statistics(
            actors=self._n_cells,
            ready=self.dispatcher.n_ready,
            turns=self.dispatcher.n_turns,
            dead_letters=self._n_dead_letters,
            failures=self._n_failures,
            restarts=self.n_restarts,
        )

    async def stop(self, timeout_s: float) -> bool:
        """Stop all actors, leaves first; piped work that outlives half the time is cancelled.

        A second call waits, with its own time, for what the first one began.

        Args:
            timeout_s: seconds, >= 0; 0 cancels piped work at once.

        Returns:
            Whether all ended in time.
        """
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
            for cell in list(self._tops.values()):
                cell.stop("system stops")
            self._see_whether_gone()
        for _ in range(2):
            try:
                async with asyncio.timeout(timeout_s / 2):
                    await asyncio.shield(self._gone)
                return True
            except TimeoutError:
                self.dispatcher.cancel_async()
        return False

    def _see_whether_gone(self) -> None:
        if not self._tops and self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    # --- for cells ----------------------------------------------------------------------------------------------

    def make_cell(self, props: Props[Any], name: str, parent: Cell[Any] | None) -> Cell[Any]:
        """Build a cell and give it its first turn, in which it starts."""
        cell: Cell[Any] = Cell(self, props, name, parent)
        self._n_cells += 1
        cell.mailbox.awake = True
        self.dispatcher.enqueue(cell)
        return cell

    def cell_ended(self, cell: Cell[Any]) -> None:
        """Strike a cell off."""
        self._n_cells -= 1
        if cell.parent is None:
            self._tops.pop(cell.ref.name, None)
            self._strategies.pop(cell.ref.name, None)
            self._see_whether_gone()

    def strategy_for(self, cell: Cell[Any]) -> Strategy:
        """The rule for a failed cell: its parent's, or for a top actor its own or the root's."""
        if cell.parent is not None:
            return cell.parent.actor.strategy
        return self._strategies.get(cell.ref.name, self.root_strategy)

    def report_failure(self, ref: Ref[Any], mail: Any, error: Exception, verdict: Directive) -> None:
        """Count a failure and tell the hook."""
        self._n_failures += 1
        self._tell(partial(self._on_failure, ref, mail, error, verdict))

    def dead_letter(self, ref: Ref[Any], mail: Any) -> None:
        """Count a mail without a receiver and tell the hook."""
        self._n_dead_letters += 1
        self._tell(partial(self._on_dead_letter, ref, mail))

    def _tell(self, hook: Callable[[], None]) -> None:
        try:
            hook()
        except Exception as error:  # noqa: BLE001 - raised again, where nothing of the kernel is half done
            self.dispatcher.defer(partial(_raise, error))


def _raise(error: Exception) -> None:
    raise error

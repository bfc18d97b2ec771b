"""Home: what a cell needs of the system that it lives in. The seam that keeps cells and system apart."""

from __future__ import annotations

from typing import Any, Protocol

from arqonbus.actor.actor import Props
from arqonbus.actor.dispatcher import Dispatcher
from arqonbus.actor.ref import Ref
from arqonbus.actor.supervision import Directive, Strategy

__all__ = ["Home"]


class Home(Protocol):
    """Implemented by ActorSystem. Cells are Any here: naming their class would close the circle that this cuts."""

    n_restarts: int

    @property
    def dispatcher(self) -> Dispatcher:
        """Gives turns."""

    @property
    def now(self) -> float:
        """Monotonic seconds."""

    def make_cell(self, props: Props[Any], name: str, parent: Any) -> Any:
        """Build a cell and give it its first turn."""

    def strategy_for(self, cell: Any) -> Strategy:
        """The rule for a failed cell."""

    def report_failure(self, ref: Ref[Any], mail: Any, error: Exception, verdict: Directive) -> None:
        """Count a failure and tell who wants to know."""

    def dead_letter(self, ref: Ref[Any], mail: Any) -> None:
        """Count a mail without a receiver."""

    def cell_ended(self, cell: Any) -> None:
        """Strike a cell off."""

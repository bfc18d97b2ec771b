"""Actor: what a user of the kernel writes; Context: what it may do; Props: how to build it again.

Nothing here touches a loop. An actor is called by its cell only, one call at a time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from arqonbus.actor.mailbox import Bounds
from arqonbus.actor.ref import Ref
from arqonbus.actor.supervision import Directive, Strategy, always

__all__ = ["Actor", "Context", "Props", "Terminated", "Timer"]

M = TypeVar("M")
M_contra = TypeVar("M_contra", contravariant=True)
T = TypeVar("T")
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Terminated:
    """Control mail to everybody who watched ``ref``: it is gone, with the reason given to ``stop``."""

    ref: Ref[Any]
    reason: str


class Timer(Protocol):
    """A mail that will come later."""

    def cancel(self) -> None:
        """Make it never come. Without effect once it came."""


class Context(Protocol[M]):
    """What an actor may do during its turn. It is the cell itself; don't keep it for use outside a turn."""

    @property
    def ref(self) -> Ref[M]:
        """The actor's own ref."""

    @property
    def now(self) -> float:
        """Monotonic seconds on the system's clock."""

    @property
    def paused(self) -> bool:
        """True after ``hold`` or ``stop``: a ``turn`` must take no further mail from its batch."""

    current: M | None
    """The mail in work, for ``Actor.failed``. ``Actor.turn`` sets it; an override sets it where a failure matters."""

    def spawn(self, props: Props[C], name: str) -> Ref[C]:
        """Start a child; its ref's name is this actor's, a slash and ``name``.

        Raises KernelError when a child of that name lives, or this actor began to stop.
        """

    def stop(self, reason: str = "stopped") -> None:
        """Stop this actor after the mail in work: children first, then ``stopped`` with what it has not read.

        While it waits for children and piped work, control mail still comes. The first reason stays.
        """

    def stop_child(self, ref: Ref[Any], reason: str = "stopped") -> None:
        """Stop a child, in the same way; without effect on one that is gone. Raises KernelError for any other's."""

    def hold(self, again: M | None = None, until: Ref[Any] | None = None) -> None:
        """Take no more user mail until ``release``; control mail still comes.

        Args:
            again: a mail to be received again, first, after the release (usually the one in work). Not received
                again if its handling fails after this.
            until: released when this actor's mailbox has room, or the actor is gone.

        The last hold counts: what an earlier one waited for does not end it. Every ``again`` is kept, in its order
        within a turn; control mail that is held in a later turn comes before what was held already.
        """

    def release(self) -> None:
        """End a hold. Without effect when there is none."""

    def pipe(self, work: Awaitable[T], done: Callable[[T], M], failed: Callable[[Exception], M]) -> None:
        """Run ``work``; its result or error comes back as control mail made by ``done`` or ``failed``.

        The actor does not end before. Work that is cancelled brings TimeoutError; if ``done`` or ``failed`` raises,
        the actor fails. After a restart the mail comes to the new actor.
        """

    def after(self, delay_s: float, mail: M) -> Timer:
        """Have ``mail`` come as control mail in ``delay_s`` seconds (>= 0), to the new actor after a restart."""


class Actor(Generic[M]):
    """A state and what to do with mail. Subclasses override what they need; ``receive`` at least.

    Called by its cell alone: ``started``, then turns, then ``stopped``, never two at a time. ``strategy`` is the rule
    for its children.
    """

    __slots__ = ()

    strategy: ClassVar[Strategy] = Strategy(always(Directive.RESUME))

    def started(self, ctx: Context[M]) -> None:
        """Run before the first mail, and again in the new actor after a restart."""

    def turn(self, batch: Iterator[M], ctx: Context[M]) -> None:
        """Handle one lane's mail of this turn, oldest first; all of it, unless ``ctx.paused`` or it raises.

        Override it where a loop of one's own is measurably faster; set ``ctx.current``, and stop taking when
        ``ctx.paused``: what is left in ``batch`` then comes again, in the next turn.
        """
        receive = self.receive
        for mail in batch:
            ctx.current = mail
            receive(mail, ctx)
            if ctx.paused:
                return

    def receive(self, mail: M, ctx: Context[M]) -> None:
        """Handle one mail."""
        raise NotImplementedError(f"{type(self).__name__}.receive")

    def flush(self, ctx: Context[M]) -> None:
        """Run once at the end of each turn, when all its mail is handled: do here what is cheaper together.

        Run after a failure too, for the mails that were handled before it.
        """

    def failed(self, mail: M | None, error: Exception, ctx: Context[M]) -> None:
        """Run when handling ``mail`` raised, before the supervisor's verdict: answer whoever waits for it."""

    def stopped(self, unread: list[M], ctx: Context[M]) -> None:
        """Run last, and with nothing unread before another actor takes this one's place in a restart.

        Take out of ``unread`` (control mail first, oldest first in each lane) what is taken care of; the rest are
        dead letters.
        """


@dataclass(frozen=True, slots=True)
class Props(Generic[M]):
    """Recipe of an actor: run at spawn and again at each restart.

    Attributes:
        build: makes the actor; must not have side effects.
        bounds: of its mailbox.
    """

    build: Callable[[], Actor[M]]
    bounds: Bounds = field(default_factory=Bounds)

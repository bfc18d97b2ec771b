"""Supervision: what happens to a child that failed. Pure: the time is an argument.

A parent has one Strategy for all its children. It maps an error to a Directive and counts failures in a window, so
that a child that fails again and again is stopped (or its parent is made to fail) instead of spinning for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

__all__ = ["Directive", "Strategy", "always"]


class Directive(Enum):
    """The verdict on a child that raised."""

    RESUME = "resume"  # keep its state and its hold, go on with the next mail; the mail that failed is gone
    RESTART = "restart"  # stop its children, build it again from its Props when they ended; its mailbox stays
    STOP = "stop"  # stop it; those who watch it are told
    ESCALATE = "escalate"  # the parent fails with the same error; its own parent decides


def always(directive: Directive) -> Callable[[Exception], Directive]:
    """Make a rule that answers ``directive`` to every error."""
    return lambda error: directive


@dataclass(frozen=True, slots=True)
class Strategy:
    """A parent's rule for failed children.

    Attributes:
        decide: error -> Directive.
        max_failures: how many failures inside ``window_s`` are answered by ``decide``; one more gets ``give_up``. >= 0.
        window_s: seconds, > 0.
        give_up: STOP or ESCALATE; RESUME for an actor that must not end, which then may fail for ever.
    """

    decide: Callable[[Exception], Directive]
    max_failures: int = 5
    window_s: float = 60.0
    give_up: Directive = Directive.STOP

    def __post_init__(self) -> None:
        """Refuse a window that holds nothing, and counts that can't be."""
        if self.max_failures < 0 or not self.window_s > 0:
            raise ValueError(f"expected max_failures >= 0, window_s > 0, got {self.max_failures}, {self.window_s}")

    def verdict(self, error: Exception, failures_at: Sequence[float], now: float) -> Directive:
        """Decide on a child.

        Args:
            error: what it raised.
            failures_at: times of its failures, this one included, ascending, on the clock of ``now``.
            now: seconds on any monotonic clock.
        """
        recent = sum(1 for at in failures_at if now - at < self.window_s)
        return self.give_up if recent > self.max_failures else self.decide(error)

    def forget(self, failures_at: Sequence[float], now: float) -> list[float]:
        """Keep of ``failures_at`` what still counts, at most one more than are allowed (so that it stays bounded)."""
        return [at for at in failures_at if now - at < self.window_s][-(self.max_failures + 1) :]

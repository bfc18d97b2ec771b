"""The report: counts by area, and in words what failed and why something was not asked."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

from arqonbus.testing.conformance.verdict import Outcome, State

__all__ = ["Area", "area_of", "areas", "failure_lines", "shown", "skipped_lines", "total"]

_SHOWN: Final = 2000  # characters of what was expected, and of what came


class Area(Struct, frozen=True):
    """The counts of cases whose names begin alike."""

    name: str
    passed: int
    failed: int
    skipped: int
    took_ms: int


def area_of(outcome: Outcome) -> str:
    """Name the part of the suite that a case belongs to."""
    return outcome.name.partition(":")[0]


def areas(outcomes: Iterable[Outcome]) -> list[Area]:
    """Count by area, in the order in which areas come first."""
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(area_of(outcome), []).append(outcome)
    return [_area(name, some) for name, some in found.items()]


def total(outcomes: Sequence[Outcome]) -> Area:
    """Count all."""
    return _area("total", outcomes)


def _area(name: str, some: Sequence[Outcome]) -> Area:
    def count(state: State) -> int:
        return sum(outcome.state == state for outcome in some)

    took_ms = sum(outcome.took_ms for outcome in some)
    return Area(name, count("passed"), count("failed"), count("skipped"), took_ms)


def failure_lines(outcome: Outcome, painted: Callable[[str, str], str] = lambda text, _: text) -> list[str]:
    """Say of a failed case what was expected, what came, and where the contract says it.

    Args:
        outcome: of the case
        painted: gives a text a colour
    """
    return [
        f"{painted('FAILED', 'red')} {outcome.name}",
        f"  expected  {shown(outcome.expected)}",
        f"  got       {shown(outcome.got)}",
        f"  contract  {', '.join(outcome.proves)}  (specs/, docs/PROTOCOL.md)",
    ]


def skipped_lines(outcomes: Iterable[Outcome]) -> list[str]:
    """Say of each skipped case why."""
    return [f"skipped: {outcome.name}: {outcome.reason}" for outcome in outcomes if outcome.state == "skipped"]


def shown(value: Any) -> str:
    """Write what was expected, or what came, as one text that is not too long. Any: JSON, or words."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."

"""What a case can end with, and the two ways in which it says that it did not pass."""

from typing import Any, Literal, TypeAlias

from msgspec import Struct

__all__ = ["Failed", "Outcome", "Skipped", "State", "check"]

State: TypeAlias = Literal["passed", "failed", "skipped"]


class Failed(Exception):
    """The server did something else than the contract says.

    Args:
        expected: in words, or a frame
        got: likewise
    """

    def __init__(self, expected: Any, got: Any) -> None:  # Any: whatever JSON or text shows it best
        super().__init__(f"expected {expected}, got {got}")
        self.expected = expected
        self.got = got


class Skipped(Exception):
    """The server cannot be asked this, as it is set up; the text says why."""


class Outcome(Struct, frozen=True, omit_defaults=True):
    """What became of one case."""

    name: str
    state: State
    proves: tuple[str, ...]
    took_ms: int
    reason: str | None = None  # of a skipped one
    expected: Any = None  # of a failed one
    got: Any = None


def check(expected: Any, got: Any, what: str = "") -> None:
    """Compare. Raises Failed: they are not equal.

    Args:
        expected: JSON
        got: JSON
        what: is shown before the expected value
    """
    if expected != got:
        raise Failed(f"{what}: {expected}" if what else expected, got)

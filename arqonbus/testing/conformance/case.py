"""A case of the suite: one question to a server."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from arqonbus.testing.conformance.stage import Stage

__all__ = ["Case"]


class Case(Struct, frozen=True):
    """One question to a server."""

    name: str  # unique in the suite; up to the colon it says the area
    proves: tuple[str, ...]  # requirements of specs/, as 004/FR-001: where the contract says it
    play: Callable[[Stage], Awaitable[None]]  # raises Failed or Skipped
    is_light: bool = False  # may be asked beside other light ones

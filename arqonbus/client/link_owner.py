"""What the link of a bus is given, and whom it tells. Types only."""

from typing import Any, Protocol

from msgspec import Struct

from arqonbus.client.errors import ClientError
from arqonbus.client.results import Connected
from arqonbus.client.state import StateChange

__all__ = ["LinkOwner", "LinkSettings"]


class LinkSettings(Struct, frozen=True):
    """What the link needs to know."""

    dial_timeout_s: float
    has_token_function: bool  # False: a token that was refused cannot be mended


class LinkOwner(Protocol):
    """Who is told."""

    def connect_args(self) -> dict[str, Any]:
        """Give the args of `connect` that are not the link's own: profile, will, positions."""

    def up(self, welcome: Connected, *, kept: bool, known: bool, now: float) -> None:
        """A session began."""

    def down(self, now: float) -> None:
        """A session is over; another one may come."""

    def over(self, error: ClientError | None) -> None:
        """No session will come any more."""

    def changed(self, change: StateChange) -> None:
        """The state changed."""

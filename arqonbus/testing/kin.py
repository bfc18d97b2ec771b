"""Kin: the connections of one simulated client that are, or may be, one and the same to the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from arqonbus.testing.line import Line
from arqonbus.testing.plan import Address

__all__ = ["Before", "Connection", "Held", "Kin", "before"]


class Held(Struct, frozen=True):
    """What a connection was in, as far as its client knows; a whole room is ``(room, "*")``."""

    sure: dict[Address, int]  # with how many channels had ended there by the time when it joined
    possible: frozenset[Address]  # these, and what a command under way may have made of them


class Connection(Protocol):
    """What is asked of a visit."""

    line: Line

    @property
    def names(self) -> tuple[str, ...]:
        """The client ids that it may have: one, but while it is coming back."""

    def held(self) -> Held:
        """What it is in."""


class Kin(Struct, frozen=True):
    """A connection of the same client."""

    line: Line
    possible: frozenset[Address]  # see Held
    is_later: bool  # than the one whose ticket is shown: what that one was in may have changed


class Before(Struct, frozen=True):
    """The connection whose ticket is shown, as it was then."""

    names: tuple[str, ...]  # client ids that it may have by now; one, but for a connection that was coming back itself
    line: Line
    held: Held
    is_alive: bool  # it, or one that continues it, has a session yet
    kin: Callable[[], list[Kin]]  # the others that are or may be of that client by the time of asking


def before(shown: Connection, own: Connection, all_of_it: Sequence[Connection]) -> Before:
    """Say what ``own``, which is about to show the ticket of ``shown``, may expect.

    Args:
        shown: a connection of the client.
        own: another one, the newest.
        all_of_it: every connection of the client, oldest first; more may be added.
    """
    names, at = set(shown.names), all_of_it.index(shown)

    def kin() -> list[Kin]:
        return [
            Kin(one.line, one.held().possible, n > at)
            for n, one in enumerate(all_of_it)
            if one is not shown and one is not own and not names.isdisjoint(one.names)
        ]

    is_alive = any(line.session.alive for line in (shown.line, *(one.line for one in kin())))
    return Before(shown.names, shown.line, shown.held(), is_alive, kin)

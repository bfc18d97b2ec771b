"""Routes: the refs that a session was given for addresses. Pure.

A route to a channel says more than where it is: the gate let the client publish there. Who changes what a client may
do takes its routes away. Bounded, so that a client that publishes to ever new addresses costs no more than one that
does not.
"""

from __future__ import annotations

from typing import Any

from arqonbus.actor import Ref

__all__ = ["MAX_ROUTES", "Address", "Routes"]

MAX_ROUTES = 256  # addresses a session remembers; the one learnt first goes first, and is asked for again if need be

Address = tuple[str, str | None]
"""Room and channel; None: the room itself."""


class Routes:
    """Address -> ref of the channel or room there. A plain dict with a bound; ``get`` is the dict's own, for speed."""

    __slots__ = ("_refs", "get")

    def __init__(self) -> None:
        self._refs: dict[Address, Ref[Any]] = {}
        self.get = self._refs.get

    def remember(self, address: Address, ref: Ref[Any]) -> None:
        """Keep ``ref`` for ``address``."""
        if len(self._refs) >= MAX_ROUTES and address not in self._refs:
            del self._refs[next(iter(self._refs))]
        self._refs[address] = ref

    def forget(self, address: Address) -> None:
        """Drop what is known of ``address``: it led to somebody who is gone."""
        self._refs.pop(address, None)

    def __len__(self) -> int:
        return len(self._refs)

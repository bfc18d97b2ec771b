"""Overflow: what each membership of one client bears when the client cannot keep up. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from arqonbus.protocol.names import ALL_CHANNELS
from arqonbus.protocol.payloads import Overflow

__all__ = ["Address", "OverflowRules"]

Address = tuple[str, str]
"""Room, and channel or ``*``."""


class OverflowRules:
    """Membership -> what it bears. Made with the first membership that bears a loss: most clients have none.

    Args:
        memberships: those that the client has so far; they bear none.
    """

    __slots__ = ("_by_address",)

    def __init__(self, memberships: Iterable[Address]) -> None:
        self._by_address: dict[Address, Overflow] = dict.fromkeys(memberships, "disconnect")

    def set(self, membership: Address, overflow: Overflow | None) -> None:
        """Note what a membership bears from now on; None: it is over."""
        if overflow is None:
            self._by_address.pop(membership, None)
        else:
            self._by_address[membership] = overflow

    def of(self, room: str, channel: str) -> Overflow:
        """Say what the events of a channel bear: its own membership decides before that of the whole room."""
        own = self._by_address.get((room, channel))
        return own or self._by_address.get((room, ALL_CHANNELS), "disconnect")

    def all(self) -> Mapping[Address, Overflow]:
        """Give a copy, for whoever continues the client."""
        return dict(self._by_address)

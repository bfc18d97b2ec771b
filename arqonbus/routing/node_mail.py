"""Node mail: what the registry is told of its dealings with other servers, where no client's mail goes along."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from arqonbus.storage.cluster import Delivery

__all__ = ["ClaimOver", "ClaimSent", "LetGoNow", "SurveyOver"]


class ClaimSent(Struct, frozen=True):
    """[control] Whether a node has the client that another connection continues here."""

    number: int
    deliveries: Sequence[Delivery]


class ClaimOver(Struct, frozen=True):
    """[control] The registry's own reminder: the node that has a client should have said what it was."""

    number: int


class LetGoNow(Struct, frozen=True):
    """[control] The registry's own reminder: a client that went on at another node may be let go."""

    client: str


class SurveyOver(Struct, frozen=True):
    """[control] The registry's own reminder: the nodes that were asked should have answered."""

    number: int

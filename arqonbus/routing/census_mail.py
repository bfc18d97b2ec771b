"""Census mail: what rooms and channels tell each other of members on other nodes, and of this one's for them."""

from __future__ import annotations

from msgspec import Struct

from arqonbus.protocol.payloads import LeftReason, MemberInfo

__all__ = ["Beside", "CensusTick", "FarNews", "HelloOver", "OwnMember", "PageOver"]


class Beside(Struct, frozen=True):
    """Rows of members on other nodes, which are in crowds there, for one page."""

    rows: tuple[MemberInfo, ...]
    least: str | None  # some have more members behind that client, so the page ends there; None: these are all
    is_whole: bool  # all nodes have answered


class PageOver(Struct, frozen=True):
    """[control] The room's own reminder: the nodes that were asked for rows should have answered."""

    number: int


class OwnMember(Struct, frozen=True):
    """[control] To a room, of itself or of a channel: a member of this node came, changed or went."""

    channel: str  # or *
    row: MemberInfo
    reason: LeftReason | None = None  # it went; None: it is in


class FarNews(Struct, frozen=True):
    """[control] What became of members on other nodes. From a room to its channels."""

    channel: str  # or *; empty: all of them
    joined: tuple[MemberInfo, ...] = ()  # or changed
    left: tuple[tuple[str, LeftReason], ...] = ()
    dropped: tuple[str, ...] = ()  # not known any more one by one: they are in a crowd by now
    crowd: int = 0  # members beside those that are known one by one
    is_partial: bool = False  # there may be others


class CensusTick(Struct, frozen=True):
    """[control] The room's own reminder: what its members did may be told to other nodes."""


class HelloOver(Struct, frozen=True):
    """[control] The room's own reminder: the other nodes should have said who is there."""

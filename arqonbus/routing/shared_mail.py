"""Shared mail: what channels and rooms over a shared store are told by it. All of it comes by the control lane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from arqonbus.protocol.payloads import ListChannelsArgs
from arqonbus.storage.shared_log import Appended, Fed, RoomFed, SharedPage

__all__ = [
    "Asked",
    "GroupTold",
    "Heard",
    "LingerOver",
    "ListChannels",
    "Listed",
    "Noted",
    "PageFailed",
    "PageRead",
    "Removed",
    "RoomHeard",
    "SaidTo",
    "Settled",
    "SharedChannelMail",
    "SharedRoomMail",
    "StoreFailed",
]


GroupTale: TypeAlias = Literal["opened", "taken", "acked", "answered", "settled", "done", "tick"]
"""What a durable group had asked of the store; ``tick``: nothing, the time has come to ask."""


# --- to a channel -----------------------------------------------------------------------------------------------


class Heard(Struct, frozen=True, gc=False):
    """What the feed of the channel's log tells."""

    fed: Fed


class Settled(Struct, frozen=True):
    """What became of the events that one turn appended."""

    n: int  # of the append
    outcomes: Sequence[Appended] | Exception


class PageRead(Struct, frozen=True):
    """A page of the store, for the mail that has to wait for it."""

    asked: Any
    page: SharedPage


class PageFailed(Struct, frozen=True):
    """The store gave no page."""

    asked: Any
    error: Exception


class Removed(Struct, frozen=True):
    """The log was deleted, as ``asked``; or another node was first."""

    asked: Any


class StoreFailed(Struct, frozen=True):
    """The store could not do what ``asked`` wants of it."""

    asked: Any
    error: Exception


class GroupTold(Struct, frozen=True):
    """What the store says to a durable group; or the channel's own reminder to ask it."""

    kind: GroupTale
    group: str
    about: Any = None  # what was asked
    result: Any = None  # the answer, or the error for which there is none


SharedChannelMail: TypeAlias = Heard | Settled | PageRead | PageFailed | Removed | StoreFailed | GroupTold


# --- to a room --------------------------------------------------------------------------------------------------


class RoomHeard(Struct, frozen=True):
    """What the room's feed tells."""

    fed: RoomFed


class Noted(Struct, frozen=True):
    """Whether there is a log of a channel, with its note."""

    channel: str
    note: bytes | None  # None: there is none


class Listed(Struct, frozen=True):
    """The channels of the room that have a log; for the mail that has to wait for them."""

    asked: Any  # None: the room itself wants to know
    channels: Sequence[str]


class SaidTo(Struct, frozen=True):
    """A broadcast was said to all nodes of the room, and should have been heard here too."""

    token: str  # of it
    n_nodes: int  # that were listening; 0: none, the store could not be reached


class ListChannels(Struct, frozen=True):
    """Answer a page of the room's channels, whichever server has them open."""

    card: Any  # ClientCard
    request_id: str | None
    args: ListChannelsArgs


class Asked(Struct, frozen=True):
    """All nodes of the room were asked for their channels."""

    token: str  # of the list
    n_nodes: int  # that hear it, this one among them; 0: no more answers are waited for


class LingerOver(Struct, frozen=True):
    """The room's own reminder: it may have been without members and channels for long enough."""


SharedRoomMail: TypeAlias = ListChannels | Asked | RoomHeard | Noted | Listed | SaidTo | LingerOver | StoreFailed

"""Census letters: what the nodes of a room tell each other of its members. JSON; fields that are not known are passed
over, letters that are not known are dropped.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import MsgspecError, Raw, Struct, json

from arqonbus.protocol.payloads import LeftReason, MemberInfo

__all__ = ["CensusLetter", "Delta", "Full", "Hello", "PageLetter", "RoomLetter", "RowsLetter", "Told", "read", "write"]


class Told(Struct, frozen=True, omit_defaults=True):
    """What a node tells of its members in one channel, or in ``*``, the whole room."""

    channel: str
    joined: tuple[MemberInfo, ...] = ()  # or changed
    left: tuple[tuple[str, LeftReason], ...] = ()
    crowd: int = 0  # that many members, too many for rows; 0: rows say it all
    is_whole: bool = False  # ``joined`` are all


class Delta(Struct, frozen=True, tag="delta"):
    """What changed."""

    node: str
    life: str  # of the room on that node
    number: int  # 1, 2, 3 ... within it
    channels: tuple[Told, ...]


class Full(Struct, frozen=True, tag="full"):
    """All that a node has, up to the delta of that number."""

    node: str
    life: str
    number: int
    channels: tuple[Told, ...]


class Hello(Struct, frozen=True, tag="hello"):
    """A node wants to know what all others have, or the one that is named."""

    node: str
    to: str = ""


class PageLetter(Struct, frozen=True, tag="page"):
    """A node wants rows of a crowd: of this channel, behind this client."""

    node: str
    number: int  # of the question, given by that node
    channel: str
    after: str
    limit: int


class RowsLetter(Struct, frozen=True, tag="rows"):
    """The first of them, by client id; as many as asked for, or as fit into a letter."""

    node: str
    number: int
    rows: tuple[MemberInfo, ...]
    has_more: bool


CensusLetter: TypeAlias = Delta | Full | Hello | PageLetter | RowsLetter


class RoomLetter(Struct, frozen=True, gc=False, tag="room"):
    """Between registries: something for a room that lives on the other node."""

    room: str
    data: Raw


_decoder = json.Decoder(CensusLetter)


def read(data: bytes) -> CensusLetter | None:
    """Read a letter; None: it is of a version that is not known here."""
    try:
        letter: CensusLetter = _decoder.decode(data)
    except MsgspecError:
        return None
    return letter


def write(letter: CensusLetter | RoomLetter) -> bytes:
    """Write a letter."""
    return json.encode(letter)

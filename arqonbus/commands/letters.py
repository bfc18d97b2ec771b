"""Letters: what the registries of several nodes write to each other. JSON, so that payloads stay the bytes they are.

Nodes of one bus may be of versions that differ a little: a field that is not known is passed over, a letter that
can't be read is logged and dropped.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Raw, Struct, json

from arqonbus.protocol.envelope import Event
from arqonbus.protocol.payloads import Overflow, Profile
from arqonbus.routing.census_letters import RoomLetter

__all__ = [
    "AnswerLetter",
    "ClaimLetter",
    "FoundLetter",
    "KickLetter",
    "LetGoLetter",
    "Letter",
    "PrivateLetter",
    "QuestionLetter",
    "RoomLetter",
    "read",
    "write",
]


class PrivateLetter(Struct, frozen=True, gc=False, tag="private"):
    """To a client: a private message, as the client gets it."""

    text: Raw  # the envelope


class KickLetter(Struct, frozen=True, gc=False, tag="kick"):
    """To a client: it has to go."""

    reason: str


class ClaimLetter(Struct, frozen=True, gc=False, tag="claim"):
    """To a client: it showed its ticket on another node, and goes on there."""

    client: str  # that the ticket names
    user: str | None  # who showed it
    node: str  # that wants to know what it was
    number: int  # of the claim, given by that node


class FoundLetter(Struct, frozen=True, gc=False, tag="found", omit_defaults=True):
    """To a node: what the client was that it claimed. Without a client: nobody is there to be continued."""

    number: int
    client: str | None = None
    memberships: tuple[tuple[str, str], ...] = ()
    overflows: tuple[tuple[str, str, Overflow], ...] = ()  # room, channel, what it bears
    groups: tuple[tuple[str, str, str], ...] = ()  # room, channel, group
    profile: Profile | None = None
    will: Event | None = None


class LetGoLetter(Struct, frozen=True, gc=False, tag="let_go"):
    """To a node: the client that was claimed has all that it needs; what was kept of it may go."""

    client: str


class QuestionLetter(Struct, frozen=True, gc=False, tag="question"):
    """To all nodes: run a command that asks, and write the answer to ``node``."""

    command: str
    args: Raw
    node: str
    number: int


class AnswerLetter(Struct, frozen=True, gc=False, tag="answer"):
    """To a node: the result of the command; null: it was refused here."""

    number: int
    result: Raw


Letter: TypeAlias = (
    PrivateLetter | KickLetter | ClaimLetter | FoundLetter | LetGoLetter | RoomLetter | QuestionLetter | AnswerLetter
)

_decoder = json.Decoder(Letter)


def read(data: bytes) -> Letter:
    """Read a letter. Raises msgspec.MsgspecError."""
    letter: Letter = _decoder.decode(data)
    return letter


def write(letter: Letter) -> bytes:
    """Write a letter."""
    return json.encode(letter)

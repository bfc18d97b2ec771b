"""Vectors: the files of `contracts/v1/vectors`, which servers and clients of every language play.

`frames.json` says what can be read, frame by frame; `sessions.json` what is said in which order. They only grow within
a version: what conformed stays conforming. docs/CONFORMANCE.md has the format.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec
from msgspec import Struct

__all__ = ["FOLDER", "FrameVector", "SessionVector", "Step", "frames", "sessions"]

_PACKAGE: Final = Path(__file__).resolve().parents[2]

FOLDER: Final = next(
    folder for folder in (_PACKAGE / "contracts" / "v1", _PACKAGE.parent / "contracts" / "v1") if folder.is_dir()
)
"""Of the contract: inside of an installed package, or beside it in the repository."""


class FrameVector(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One frame, and whether it can be read."""

    name: str
    proves: str  # the requirement of specs/
    since: str  # version of the protocol
    direction: Literal["client", "server"]  # who sends it
    text: str  # as it travels, broken JSON too; `$room` stands for the name of a room
    valid: bool
    code: str | None = None  # of the refusal of an invalid one
    request_id: str | None = None  # that the refusal names; None: none could be read


class Step(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One step of a session: `at`, and one of the others. Any: a frame."""

    at: str  # name of the client; it is connected by its first step
    open: dict[str, Any] | None = None  # connect, and leave the welcome to the steps that follow
    send: dict[str, Any] | None = None
    expect: dict[str, Any] | list[dict[str, Any]] | None = None  # a list: in this order
    quiet_ms: int | None = None  # nothing comes meanwhile
    close: int | None = None  # the client closes, with this code
    cut: bool = False  # the connection is lost
    back: dict[str, Any] | None = None  # the client comes back with ticket and positions; what `connect` answers
    closed: int | None = None  # the server closes, with this code


class SessionVector(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What some clients say and hear."""

    name: str
    proves: str
    since: str
    steps: tuple[Step, ...]
    raw: bool = False  # the client does what no SDK does: only servers are tried by this one


_Vector = TypeVar("_Vector", bound=Struct)


@lru_cache(maxsize=1)
def frames() -> tuple[FrameVector, ...]:
    """Read frames.json."""
    return _read("frames.json", FrameVector)


@lru_cache(maxsize=1)
def sessions() -> tuple[SessionVector, ...]:
    """Read sessions.json."""
    return _read("sessions.json", SessionVector)


def _read(name: str, kind: type[_Vector]) -> tuple[_Vector, ...]:
    return msgspec.json.decode((FOLDER / "vectors" / name).read_bytes(), type=tuple[kind, ...])  # type: ignore[valid-type] # a type made at run time

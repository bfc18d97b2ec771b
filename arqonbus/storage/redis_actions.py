"""Actions: what a sequencer wants done. Frozen; in the order in which they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from arqonbus.storage.redis_frames import Place, Placed

__all__ = ["Action", "Begin", "Bump", "Deliver", "Lose", "ReadAfter", "ReadTail", "Reason", "Renumber"]

Reason: TypeAlias = Literal["rewound", "lost", "replaced"]


class Deliver(Struct, frozen=True, gc=False):
    """These follow what was delivered before."""

    entries: Sequence[Placed]


class Lose(Struct, frozen=True):
    """These, in this epoch, would be next, and can't be had."""

    epoch: int
    first: int
    last: int


class Begin(Struct, frozen=True):
    """Deliveries begin after this place."""

    place: Place


class Renumber(Struct, frozen=True):
    """The numbering began anew; deliveries go on after this place."""

    place: Place
    reason: Reason


class ReadAfter(Struct, frozen=True):
    """Read the log from this place on, itself included; answer by ``shown``."""

    ticket: int
    place: Place


class ReadTail(Struct, frozen=True):
    """Read the newest entries; answer by ``shown_tail``."""

    ticket: int
    with_texts: bool


class Bump(Struct, frozen=True):
    """Give the log a new epoch, if its own is not newer than this one; answer by ``bumped``."""

    ticket: int
    epoch: int


Action: TypeAlias = Deliver | Lose | Begin | Renumber | ReadAfter | ReadTail | Bump

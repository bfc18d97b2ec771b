"""Frames: what travels by pub/sub, and what reads of a log give, as entries with positions. Pure.

A frame is what one script call appended: for each entry a line ``<epoch>-<seq> <mark> <bytes>`` and its text. Or it is
news of the log itself, one word that begins with ``!``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

__all__ = [
    "BUMPED",
    "DELETED",
    "NOWHERE",
    "SAID",
    "Place",
    "Placed",
    "TailEntry",
    "count_new",
    "entries_of",
    "place_of",
    "placed",
    "tail_of",
]

BUMPED = b"!bumped"
"""The log began a new epoch; a space and its newest id follow."""

DELETED = b"!deleted"
"""The log is gone."""


SAID = b"!said "
"""A node says something to all that listen; it follows."""


class Place(NamedTuple):
    """A position as Redis has it; compares as positions do."""

    epoch: int  # microseconds since 1970 when it began; 0: none
    seq: int


NOWHERE = Place(0, 0)


class Placed(NamedTuple):
    """One entry with its place."""

    place: Place
    mark: bytes  # never given to another entry
    text: bytes


class TailEntry(NamedTuple):
    """One of the newest entries of a log."""

    place: Place
    mark: bytes
    was: Place  # its place in the epoch before, if it was carried over from there; else NOWHERE
    text: bytes  # empty if it was not asked for


def place_of(written: bytes) -> Place:
    """Read ``<epoch>-<seq>``; of nothing, NOWHERE. Raises ValueError for anything else."""
    if not written:
        return NOWHERE
    epoch, _, seq = written.partition(b"-")
    return Place(int(epoch), int(seq))


def entries_of(frame: bytes) -> list[Placed]:
    """Read a frame that is not news of the log. Raises ValueError if it is none of ours."""
    head, _, text = frame.partition(b"\n")
    place, mark, size = head.split(b" ")
    if len(text) == int(size):  # one entry, as nearly always
        return [Placed(place_of(place), mark, text)]
    found = []
    at, end = 0, len(frame)
    while at < end:
        head_end = frame.index(b"\n", at)
        place, mark, size = frame[at:head_end].split(b" ")
        at = head_end + 1 + int(size)
        if at > end:
            raise ValueError(f"expected {int(size)} bytes of text, got {len(frame) - head_end - 1}")
        found.append(Placed(place_of(place), mark, frame[head_end + 1 : at]))
    return found


def placed(flat: Sequence[Any]) -> list[Placed]:
    """Read entries of CATCH_UP: id, mark, text, id ..."""
    return [Placed(place_of(flat[i]), flat[i + 1], flat[i + 2]) for i in range(0, len(flat), 3)]


def tail_of(flat: Sequence[Any]) -> list[TailEntry]:
    """Read entries of TAIL: id, mark, id of before, text, id ... Newest first, as they come."""
    return [
        TailEntry(place_of(flat[i]), flat[i + 1], place_of(flat[i + 2]), flat[i + 3]) for i in range(0, len(flat), 4)
    ]


def count_new(entries: Sequence[TailEntry], place: Place, marks: Collection[bytes]) -> int:
    """Count, in a log of a newer epoch, the entries that come after all that was delivered.

    Args:
        entries: the newest of the log, newest first.
        place: of the last one delivered, in its old epoch.
        marks: of the last ones delivered, up to ``place``, without holes.
    """
    known = set(marks)
    for i, entry in enumerate(entries):
        if entry.mark in known:
            return i
    # None of those that we remember: new is what was appended in the new epoch, and what had a place where we remember
    # others, or a later one. Anything else may be so old that it was delivered and forgotten.
    oldest = place.seq - len(marks) + 1
    for i, entry in enumerate(entries):
        if entry.was != NOWHERE and (entry.was.epoch != place.epoch or entry.was.seq < oldest):
            return i
    return len(entries)

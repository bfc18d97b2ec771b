"""Cursor: how far a reader is in one channel, and what is missing when it comes back. Pure arithmetic; rule R35."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from arqonbus.client.message import Gap
from arqonbus.protocol.payloads import Lost

__all__ = ["EPOCH_CHANGED", "NOWHERE", "Cursor", "Outcome", "lost_between"]

EPOCH_CHANGED: Final = "epoch_changed"
"""The one reason of a gap for which it is not known how much is missing."""


class Outcome(Struct, frozen=True):
    """What a join with a position led to."""

    epoch: str
    top: int  # seq of the newest event at that moment
    recovered: bool
    reason: str | None = None  # why it is not
    lost: Lost | None = None
    replayed: int = 0  # of the newest events, when it is not


class Cursor:
    """How far a feed is in one channel."""

    __slots__ = ("epoch", "gap", "known", "seq", "top")

    def __init__(self, epoch: str | None = None, seq: int | None = None, top: int = 0) -> None:
        self.epoch = epoch  # None: not known, an event does not say it
        self.seq = seq  # of the last event that came or is declared missing; None: any may come next
        self.top = top  # events up to here are replays
        self.gap: Gap | None = None  # declared, waiting for the next event
        self.known: dict[int, None] | None = None  # of a group: seqs that came, oldest first


NOWHERE: Final = Cursor()
"""Of a reader that was never in the channel."""


def lost_between(old: Cursor, start: int, outcome: Outcome) -> Gap | None:
    """Give what is missing between where a reader was and where it goes on."""
    epoch, reason = outcome.epoch, outcome.reason or "unknown"
    is_exact = reason != EPOCH_CHANGED
    if outcome.lost is None:
        return None if is_exact else Gap(1, start, start, reason, False, epoch)
    first, last = outcome.lost.first, outcome.lost.last
    if is_exact and old.seq is not None:
        first = old.seq + 1  # others of this address may have been further behind
    return Gap(first, last, last - first + 1, reason, is_exact, epoch) if first <= last else None

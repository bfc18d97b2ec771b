"""Recovery: what a join replays, and what it must own to have lost. Pure arithmetic over one log.

Positions are compared as numbers with the log's top; no message is ever looked up.
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from arqonbus.protocol.payloads import JoinChannelArgs, Lost, LostReason, Position, Recover
from arqonbus.storage.history import Log

__all__ = ["Recovery", "recover"]


class Recovery(Struct, frozen=True):
    """The outcome of a join, for its answer."""

    texts: tuple[bytes, ...] = ()  # events to replay, ascending
    recovered: bool = False  # all that follows `since` is in texts
    reason: LostReason | None = None
    lost: Lost | UnsetType = UNSET
    first_available: int | UnsetType = UNSET


def recover(log: Log, args: JoinChannelArgs, most: int) -> Recovery:
    """Decide what to replay.

    Args:
        log: of the channel, at rest.
        args: of the join.
        most: most events that one join replays, >= 1.
    """
    if args.since is None:
        n = min(args.replay or 0, most)
        return Recovery(_newest(log, n)) if n and log.keeps else Recovery()
    return _since(log, args.since, args.recover or "strict", most)


def _since(log: Log, since: Position, mode: Recover, most: int) -> Recovery:
    top = log.top
    if since.epoch != log.epoch or since.seq > top:
        return _incomplete(log, "epoch_changed", 1, mode, most)
    if since.seq == top:
        return Recovery(recovered=True)
    if not log.keeps:
        return _incomplete(log, "disabled", since.seq + 1, mode, most)
    first = log.read(limit=1).first
    if first == 0 or first > since.seq + 1:
        return _incomplete(log, "evicted", since.seq + 1, mode, most)
    if top - since.seq > most:
        return _incomplete(log, "over_limit", since.seq + 1, mode, most)
    page = log.read(after=since.seq, limit=most)
    return Recovery(tuple(text for _, text in page.events), recovered=True)


def _incomplete(log: Log, reason: LostReason, wanted: int, mode: Recover, most: int) -> Recovery:
    """Own the loss of ``wanted`` up to what is replayed after all, or up to the top."""
    n = {"strict": 0, "best_effort": most, "latest": 1}[mode]
    first = log.read(limit=1).first
    texts = _newest(log, min(n, log.top - max(wanted, first) + 1)) if n and first else ()
    last_lost = log.top - len(texts)
    lost = Lost(wanted, last_lost) if last_lost >= wanted else UNSET
    return Recovery(texts, False, reason, lost, first or UNSET)


def _newest(log: Log, n: int) -> tuple[bytes, ...]:
    events = log.read(newest_first=True, limit=n).events
    return tuple(text for _, text in reversed(events))

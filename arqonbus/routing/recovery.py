"""Recovery: what a join replays, and what it must own to have lost. Pure arithmetic over one log.

Positions are compared as numbers with the log's top; no message is ever looked up.
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from arqonbus.protocol.payloads import JoinChannelArgs, Lost, LostReason, Position, Recover
from arqonbus.storage.history import Log

__all__ = ["Recovery", "ReplayCap", "recover"]


class Recovery(Struct, frozen=True):
    """The outcome of a join, for its answer."""

    texts: tuple[bytes, ...] = ()  # events to replay, ascending
    recovered: bool = False  # all that follows `since` is in texts
    reason: LostReason | None = None
    lost: Lost | UnsetType = UNSET
    first_available: int | UnsetType = UNSET


class ReplayCap(Struct, frozen=True):
    """How much one join replays at most. Its bytes must fit an outbox: a replay that makes its reader a slow consumer
    would be asked for again by the next connection, and end that one too."""

    events: int  # >= 1
    size_bytes: int  # of JSON text, >= 1; one event of any size may still be replayed

    def shared_by(self, n: int) -> ReplayCap:
        """Give the part of one of ``n`` joins that replay together."""
        return self if n == 1 else ReplayCap(self.events, max(1, self.size_bytes // n))


def recover(log: Log, args: JoinChannelArgs, cap: ReplayCap) -> Recovery:
    """Decide what to replay.

    Args:
        log: of the channel, at rest.
        args: of the join.
        cap: how much at most.
    """
    if args.since is None:
        n = min(args.replay or 0, cap.events)
        return Recovery(_newest(log, n, cap)) if n and log.keeps else Recovery()
    return _since(log, args.since, args.recover or "strict", cap)


def _since(log: Log, since: Position, mode: Recover, cap: ReplayCap) -> Recovery:
    top = log.top
    if since.epoch != log.epoch or since.seq > top:
        return _incomplete(log, "epoch_changed", 1, mode, cap)
    if since.seq == top:
        return Recovery(recovered=True)
    if not log.keeps:
        return _incomplete(log, "disabled", since.seq + 1, mode, cap)
    page = log.read(after=since.seq, limit=cap.events, size_bytes=cap.size_bytes)
    if page.first == 0 or page.first > since.seq + 1:
        return _incomplete(log, "evicted", since.seq + 1, mode, cap)
    if page.more:
        return _incomplete(log, "over_limit", since.seq + 1, mode, cap)
    return Recovery(tuple(text for _, text in page.events), recovered=True)


def _incomplete(log: Log, reason: LostReason, wanted: int, mode: Recover, cap: ReplayCap) -> Recovery:
    """Own the loss of ``wanted`` up to what is replayed after all, or up to the top."""
    n = {"strict": 0, "best_effort": cap.events, "latest": 1}[mode]
    first = log.read(limit=1).first
    texts = _newest(log, min(n, log.top - max(wanted, first) + 1), cap) if n and first else ()
    last_lost = log.top - len(texts)
    lost = Lost(wanted, last_lost) if last_lost >= wanted else UNSET
    return Recovery(texts, False, reason, lost, first or UNSET)


def _newest(log: Log, n: int, cap: ReplayCap) -> tuple[bytes, ...]:
    events = log.read(newest_first=True, limit=n, size_bytes=cap.size_bytes).events
    return tuple(text for _, text in reversed(events))

"""Promises: what the answer to a join must say, by the protocol alone. Pure.

Independent of how the bus decides: only numbers that the client holds are compared.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

__all__ = ["Keeping", "why_wrong"]


class Keeping(Struct, frozen=True):
    """What history promises to keep in this run."""

    limit: int  # events a channel; 0: none
    is_sure: bool  # nothing but ``limit`` takes events away
    replays_all: bool  # no join asks for more than one join may replay


def why_wrong(args: dict[str, Any], result: dict[str, Any], keeping: Keeping) -> str | None:
    """Judge the answer to a join of one channel.

    Args:
        args: of the command.
        result: of its answer.
        keeping: of the run.

    Returns:
        None: it is right. Else what is wrong, for people.
    """
    since = args.get("since")
    if since is None:
        return _without_position(args.get("replay") or 0, result, keeping)
    if result["recovered"]:
        return _recovered(since, result)
    return _lost(since, args.get("recover") or "strict", result, keeping)


def _without_position(wanted: int, result: dict[str, Any], keeping: Keeping) -> str | None:
    if result["recovered"] or result["reason"] or "lost" in result:
        return "speaks of recovery, but nobody asked"
    promised = min(wanted, result["seq"], keeping.limit)
    if result["replayed"] > promised or (keeping.is_sure and keeping.replays_all and result["replayed"] < promised):
        return f"replays {result['replayed']} events instead of {promised}"
    return None


def _recovered(since: dict[str, Any], result: dict[str, Any]) -> str | None:
    if since["epoch"] != result["epoch"]:
        return "recovered across epochs"
    if result["replayed"] != result["seq"] - since["seq"] or result["replayed"] < 0:
        return f"recovered from {since['seq']} to {result['seq']} with {result['replayed']} events"
    return None


def _lost(since: dict[str, Any], mode: str, result: dict[str, Any], keeping: Keeping) -> str | None:
    top, replayed, reason = result["seq"], result["replayed"], result["reason"]
    is_other_epoch = since["epoch"] != result["epoch"]
    if is_other_epoch != (reason == "epoch_changed"):
        return f"gives the reason {reason} at the position {since['seq']} of {top}"
    if reason == "evicted" and keeping.is_sure and top - since["seq"] <= keeping.limit:
        return f"lost {top - since['seq']} events, but history keeps {keeping.limit}"
    if reason == "over_limit" and keeping.replays_all:
        return f"calls {top - since['seq']} events over the limit"
    if (reason == "disabled") != (keeping.limit == 0) and not is_other_epoch:
        return f"gives the reason {reason}, but history keeps {keeping.limit}"
    if replayed > {"strict": 0, "best_effort": top, "latest": 1}[mode]:
        return f"replays {replayed} events, asked for {mode}"
    first_lost = 1 if is_other_epoch else since["seq"] + 1
    lost = {"from": first_lost, "to": top - replayed} if top - replayed >= first_lost else None
    if result.get("lost") != lost:
        return f"owns the loss of {result.get('lost')}, which was {lost}"
    return None

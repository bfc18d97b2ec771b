"""Positions: what `connect` is asked to bring back, each channel once. Pure; rules R7 and R30."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from arqonbus.client.membership import Membership
from arqonbus.protocol.args import MAX_POSITIONS

__all__ = ["positions_of"]


def positions_of(memberships: Collection[Membership]) -> list[dict[str, Any]]:
    """Write the positions of all memberships, and note on each what is asked for it.

    A channel that is read by itself and in its whole room is named once, with the lower seq: both readers have all that
    follows then. At most MAX_POSITIONS are asked for; the rest is joined one by one.
    """
    places: dict[tuple[str, str], tuple[str, int]] = {}  # epoch and seq
    for membership in memberships:
        for channel, epoch, seq in membership.positions():
            address = (membership.room, channel)
            known_epoch, known_seq = places.get(address, (epoch, seq))
            if address in places or len(places) < MAX_POSITIONS:
                places[address] = (known_epoch, min(seq, known_seq) if epoch == known_epoch else known_seq)
    for membership in memberships:
        membership.asked = frozenset(c for c, _, _ in membership.positions() if (membership.room, c) in places)
    return [{"room": r, "channel": c, "epoch": epoch, "seq": seq} for (r, c), (epoch, seq) in places.items()]

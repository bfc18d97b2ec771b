"""Shared news: what members of a channel over a shared store are told of the store."""

from __future__ import annotations

from arqonbus.protocol.envelope import System
from arqonbus.protocol.payloads import ChannelDeleted, Empty, Gap, GapReason
from arqonbus.routing.cards import ChannelCard
from arqonbus.routing.fanout import deliver_one
from arqonbus.routing.mail import Deliver, Place

__all__ = ["created", "degraded", "deleted", "gap", "restored"]


def gap(place: Place, first: int, last: int, reason: GapReason) -> Deliver:
    """Own that events of the epoch of ``place`` will not come. After it the position is ``last``; so an empty range,
    which ends before it begins, says only where the numbering goes on."""
    payload = Gap(place.room, place.channel, place.epoch, first, last, reason)
    return deliver_one(System("gap", payload, place.room, place.channel))


def created(card: ChannelCard) -> Deliver:
    """Say that the room has a channel more."""
    return deliver_one(System("channel_created", card.info(), card.room, card.channel))


def degraded(place: Place) -> Deliver:
    """Say that this server goes on without the store."""
    return deliver_one(System("storage_degraded", Empty(), place.room, place.channel))


def restored(place: Place) -> Deliver:
    """Say that the store is back."""
    return deliver_one(System("storage_restored", Empty(), place.room, place.channel))


def deleted(place: Place) -> Deliver:
    """Say that the channel was deleted, here or by another server."""
    return deliver_one(System("channel_deleted", ChannelDeleted("deleted"), place.room, place.channel))

"""News: the activity events that sessions, channels and rooms tell of clients. See ``protocol.activities``."""

from __future__ import annotations

from collections.abc import Iterable

from arqonbus.errors import Refusal
from arqonbus.protocol.activities import (
    ClientConnected,
    ClientDisconnected,
    ClientRefused,
    ClientResumed,
    Joined,
    Left,
    Refused,
    SlowConsumer,
)
from arqonbus.protocol.names import is_system
from arqonbus.protocol.payloads import LeftReason
from arqonbus.routing.cards import ClientCard
from arqonbus.telemetry.activity import Emit

__all__ = ["connected", "disconnected", "joined", "left", "refused", "resumed", "slow", "turned_away"]


def connected(emit: Emit, card: ClientCard) -> None:
    """A client was let in."""
    emit(ClientConnected(card.client, card.identity.user))


def resumed(emit: Emit, card: ClientCard) -> None:
    """A client came back as who it was."""
    emit(ClientResumed(card.client, card.identity.user))


def disconnected(emit: Emit, card: ClientCard, code: int, reason: str) -> None:
    """A client's connection ended."""
    emit(ClientDisconnected(card.client, card.identity.user, code, reason))


def turned_away(emit: Emit, code: str) -> None:
    """A client was not let in."""
    emit(ClientRefused(code))


def refused(emit: Emit, card: ClientCard, refusal: Refusal, command: str | None) -> None:
    """A message (no command) or command was refused."""
    emit(Refused(card.client, refusal.code, command))


def slow(emit: Emit, card: ClientCard, why: str, n_lost: int, memberships: Iterable[tuple[str, str]]) -> None:
    """A client that read too slowly was closed. Not told of those who read these events: it would make more of them."""
    if not any(is_system(room) for room, _ in memberships):
        emit(SlowConsumer(card.client, card.identity.user, why, n_lost))


def joined(emit: Emit, room: str, channel: str, card: ClientCard) -> None:
    """A client became a member."""
    emit(Joined(room, channel, card.client, card.identity.user))


def left(emit: Emit, room: str, channel: str, card: ClientCard, reason: LeftReason) -> None:
    """A client is no member any more."""
    emit(Left(room, channel, card.client, card.identity.user, reason))

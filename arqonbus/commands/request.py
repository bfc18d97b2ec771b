"""What a handler of a command is given (Call, View), and what it may answer (Reply, ToRoom, ToClient, SendAway)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct

from arqonbus.protocol.payloads import StorageStatus
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.directory import Directory
from arqonbus.routing.mail import RoomMail, SessionMail
from arqonbus.routing.will import WillRules
from arqonbus.security.gate import Action, Gate
from arqonbus.telemetry.counters import Counters
from arqonbus.telemetry.tracer import Trace

__all__ = ["Call", "Handler", "Outcome", "Reply", "SendAway", "ToClient", "ToRoom", "View"]

A = TypeVar("A", bound=Struct)


class Call(Struct, Generic[A], frozen=True):
    """One command, decoded and allowed."""

    card: ClientCard  # who asks
    request_id: str | None
    args: A
    room: str  # of the args, checked; empty: the command names none
    channel: str | None  # of the args, checked; * only where the command allows it
    memberships: tuple[tuple[str, str], ...]  # of the client: (room, channel)
    trace: Trace | None = None


class View(Struct, frozen=True):
    """What handlers may read. Nothing here is theirs to change."""

    directory: Directory
    counters: Counters
    gate: Gate
    timestamp: Callable[[], str]  # RFC 3339, UTC, milliseconds: now
    uptime_s: Callable[[], float]
    storage: Callable[[], StorageStatus]
    draining: Callable[[], bool]
    server: str  # name of this server
    version: str  # of the program
    auto_create: bool
    wills: WillRules
    max_memberships: int  # of one client
    is_shared: bool = False  # whether rooms are of all servers

    def may(self, card: ClientCard, action: Action, room: str, channel: str | None) -> bool:
        """Ask the gate."""
        return self.gate.allows(card.identity, action, room, channel)


class Reply(Struct, frozen=True):
    """Answer this."""

    result: Struct


class ToRoom(Struct, frozen=True):
    """Let the room answer. It is made if need be and ``create``; else the answer is not_found."""

    room: str
    mail: RoomMail
    create: bool = False


class ToClient(Struct, frozen=True):
    """Let the client's own session answer."""

    mail: SessionMail


class SendAway(Struct, frozen=True):
    """End another client, there or away, and answer nothing more than that; not_found when nobody has it."""

    client: str
    reason: str | None  # for people


Outcome: TypeAlias = Reply | ToRoom | ToClient | SendAway

Handler: TypeAlias = Callable[[Call[Any], View], Outcome]
"""Raises a Refusal to refuse."""

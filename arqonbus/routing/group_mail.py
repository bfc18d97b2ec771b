"""Mail about groups, of clients and about members. All but Gone goes to a room first, which passes it on."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from arqonbus.protocol.payloads import AckArgs
from arqonbus.routing.cards import ClientCard

__all__ = ["AckWork", "DeleteGroup", "DescribeGroup", "Gone", "GroupCommand"]


class Gone(Struct, frozen=True):
    """[control] This member's connection is gone; it may come back by another one."""

    seat: int


class AckWork(Struct, frozen=True):
    """Take a member's word on events of a durable group."""

    card: ClientCard
    request_id: str | None
    channel: str
    args: AckArgs


class DescribeGroup(Struct, frozen=True):
    """Answer how a group stands."""

    card: ClientCard
    request_id: str | None
    channel: str
    group: str


class DeleteGroup(Struct, frozen=True):
    """Forget a durable group."""

    card: ClientCard
    request_id: str | None
    channel: str
    group: str


GroupCommand: TypeAlias = AckWork | DescribeGroup | DeleteGroup

"""Shapes of durable groups: what a join asks for, how a group stands, and what becomes of events that nobody can do."""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from arqonbus.protocol.envelope import OPEN
from arqonbus.protocol.names import NAME_PATTERN

__all__ = ["AckResult", "DeadLetter", "GroupInfoResult", "GroupNode", "GroupOptions", "GroupStart"]

GroupStart: TypeAlias = Literal["new", "oldest"]
"""Where a durable group begins: with what is published from then on, or with the oldest event kept."""


class GroupOptions(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """Options of a durable group. The join that makes the group says them, and they stand."""

    ack_wait_s: Annotated[float, Meta(gt=0, le=86_400)] | None = None  # that a member has to acknowledge an event
    max_deliver: Annotated[int, Meta(ge=1, le=1_000)] | None = None  # how often an event is given to members, at most
    dead_letter: Annotated[str, Meta(extra_json_schema={"pattern": NAME_PATTERN})] | None = None  # see docs
    prefetch: Annotated[int, Meta(ge=1, le=1_000)] | None = None  # events that one member may have in work
    start: GroupStart | None = None  # of a group that is made; None: new


class AckResult(Struct, frozen=True, gc=False):
    """Result of ack."""

    acked: int  # how many of the events were this member's, not acknowledged yet and given to nobody else since


class GroupNode(Struct, frozen=True, gc=False):
    """What one server has of a durable group."""

    server: str
    members: int
    pending: int  # events given to its members, and not acknowledged


class GroupInfoResult(Struct, frozen=True, gc=False, omit_defaults=True):
    """Result of group_info. Of a group that is not durable only the first five, of this server."""

    room: str
    channel: str
    group: str
    members: int
    lag: int  # events that wait for a member
    durable: bool = False
    pending: int | UnsetType = UNSET  # events given to members, and not acknowledged
    oldest_pending: int | UnsetType = UNSET  # seq of the oldest of them; UNSET: there is none
    redelivered: int | UnsetType = UNSET  # since the group was made
    dead_lettered: int | UnsetType = UNSET  # likewise
    options: GroupOptions | UnsetType = UNSET
    servers: tuple[GroupNode, ...] | UnsetType = UNSET


class DeadLetter(Struct, frozen=True, gc=False):
    """Payload of an event on a dead-letter channel."""

    reason: Annotated[Literal["max_deliver"], OPEN]  # why it is there: it was given to members too often
    group: str
    attempts: int  # how often it was given
    first_seen: str  # RFC 3339, UTC: when the server accepted the event
    room: str
    channel: str
    epoch: str
    seq: int
    event: Raw  # the event as members got it, without `delivery`

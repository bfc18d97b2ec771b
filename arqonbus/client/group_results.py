"""What the server says of groups, as the SDK reads it. See `results`."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["GroupNode", "GroupOptions", "GroupReport"]


class GroupOptions(Struct, frozen=True, omit_defaults=True):
    """Options of a durable group, said by whoever makes it; None: as the settings of the server say."""

    ack_wait_s: float | None = None  # that a member has to acknowledge an event
    max_deliver: int | None = None  # how often an event is given, at most
    dead_letter: str | None = None  # channel of the room for what was given too often; None: the channel's and `.dead`
    prefetch: int | None = None  # events that one member may have in work
    start: str | None = None  # `new` or `oldest`: where a group that is made begins


class GroupNode(Struct, frozen=True):
    """What one server has of a durable group."""

    server: str
    members: int = 0
    pending: int = 0


class GroupReport(Struct, frozen=True):
    """How a group stands. Of one that is not durable only members and lag are known."""

    room: str
    channel: str
    group: str
    members: int = 0
    lag: int = 0  # events that wait for a member
    durable: bool = False
    pending: int = 0  # events given to members, and not acknowledged
    oldest_pending: int | None = None  # seq
    redelivered: int = 0
    dead_lettered: int = 0
    options: GroupOptions | None = None
    servers: tuple[GroupNode, ...] = ()

"""What the reader gets: a message, and the gap before it if there is one."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Raw, Struct

from arqonbus.client.settlement import Settlement
from arqonbus.protocol.delivery import Delivery
from arqonbus.protocol.names import join_address
from arqonbus.protocol.payloads import Position

__all__ = ["Delivery", "Gap", "Kind", "Message", "Position"]

T = TypeVar("T")

Kind: TypeAlias = Literal["event", "private", "broadcast", "telemetry"]
"""What was sent: to a channel, to this client, to a room; told by the server of itself, on a channel of its own."""


class Gap(Struct, frozen=True):
    """Events that this reader will not get. Rule R37 of docs/sdk-spec.md.

    Attributes:
        first: seq of the first one that is missing; 0 where messages have no seq (private, broadcast)
        last: of the last one
        missed: how many, as far as it is known
        reason: `epoch_changed`, `evicted`, `over_limit`, `disabled` or another word of the server; `hole` (seqs were
            skipped), `overflow` (the reader's own queue was full), `away` (a channel began while the bus was away)
        exact: False: more may be missing than `missed` says, since the channel began a new epoch
        epoch: of the channel that `first` and `last` count in; None: not known
        channel: in which they are missing; empty where messages have none
    """

    first: int
    last: int
    missed: int
    reason: str
    exact: bool = True
    epoch: str | None = None
    channel: str = ""

    def and_then(self, later: Gap | None) -> Gap:
        """Join this gap and one right behind it."""
        if later is None:
            return self
        return Gap(
            self.first if self.epoch == later.epoch else later.first,
            later.last,
            self.missed + later.missed,
            self.reason,
            self.exact and later.exact,
            later.epoch,
            later.channel,
        )


class Message(Struct, Generic[T], frozen=True, weakref=True):
    """One message, its payload read as the reader asked for.

    Attributes:
        data: the payload
        kind: `event`, `private`, `broadcast` or `telemetry`
        id: of the sender, or of the server where it gave none; empty for telemetry
        sender: client id; empty for telemetry
        timestamp: RFC 3339, UTC, milliseconds: when the server accepted it
        room: empty for a private message
        channel: of an event or of telemetry, else empty
        seq: place in the channel; 0 for what has none
        epoch: of the channel, None where it is not known (see `position`)
        replay: True: it was published before the reader joined or came back
        gap: what is missing before this message; None: nothing
        metadata: headers of the sender
        reply_to: id of the message that this one answers
        traceparent: W3C trace context
        tracestate: W3C trace context
        event: of telemetry, what happened; else empty
        delivery: of an event for a member of a durable group; it is to be acknowledged
        settlement: how that is done; None: see `ack`
        raw: the payload as it came, JSON text
    """

    data: T
    kind: Kind
    id: str
    sender: str
    timestamp: str
    raw: Raw
    room: str = ""
    channel: str = ""
    seq: int = 0
    epoch: str | None = None
    replay: bool = False
    gap: Gap | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    reply_to: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    event: str = ""
    delivery: Delivery | None = None
    settlement: Settlement | None = None

    @property
    def attempt(self) -> int:
        """How often this event was given to a member of its durable group, with this time; 1 for what has none."""
        return 1 if self.delivery is None else self.delivery.attempt

    async def ack(self) -> bool:
        """Say that this event of a durable group is done: nobody is given it again.

        Returns:
            Whether it was still this member's; False: too late, or its connection was lost meanwhile.

        Raises:
            RuntimeError: it is of no durable group.
            ClientError: the server does not take it, or cannot be reached; it is given again in time.

        In blocking code it is `handle.ack(message)`.
        """
        return await self._settlement().say(None)

    async def retry(self, after_s: float = 0.0) -> bool:
        """Say that this event of a durable group is not done: it is given again, not sooner than in `after_s` seconds.

        The attempt counts. Returns and raises as `ack` does.
        """
        return await self._settlement().say(after_s)

    def _settlement(self) -> Settlement:
        if self.settlement is None:
            raise RuntimeError("expected a message of a durable group")
        return self.settlement

    @property
    def address(self) -> str:
        """Where it was published, `room:channel`; the room alone for a broadcast, empty for a private message."""
        return join_address(self.room, self.channel) if self.channel else self.room

    @property
    def position(self) -> Position | None:
        """What to give as `since` to go on behind this message; None where there is none."""
        return Position(self.epoch, self.seq) if self.epoch is not None and self.seq else None

"""The table of spans: what a trace of the bus looks like. The code, its tests and docs/TELEMETRY.md read this table.

Names are templates, never filled in, so that a backend lists a handful of operations whatever the number of rooms;
where a message went is an attribute. Pure data.

Source: OpenTelemetry semantic conventions 1.44, messaging (names, kinds, ``messaging.*``); what happens between actors
is not covered there, so it is INTERNAL and ``arqonbus.*``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from msgspec import Struct

__all__ = [
    "ATTRIBUTES",
    "BROADCAST",
    "COMMAND",
    "EVENT",
    "JOIN",
    "PRIVATE",
    "RELAY_IN",
    "RELAY_OUT",
    "REPLAY",
    "SPANS",
    "Kind",
    "Message",
    "Row",
]

Kind: TypeAlias = Literal["SERVER", "CLIENT", "INTERNAL", "PRODUCER", "CONSUMER"]


class Row(Struct, frozen=True):
    """One kind of span."""

    name: str
    """The name as it is exported; ``{command}`` alone is filled in."""
    kind: Kind
    parent: str
    """In words: the span above it."""
    covers: str
    """From when to when."""
    always: tuple[str, ...]
    """Attributes that are always there, beside ``messaging.system``."""
    sometimes: tuple[str, ...] = ()
    """Attributes that are there when they apply."""


ATTRIBUTES: Final = MappingProxyType(
    {
        "messaging.system": "`arqonbus`; of a relay to another node `redis`",
        "messaging.operation.name": "`publish`, `deliver`, `relay`",
        "messaging.operation.type": "`send`; of a relay that came in `process`",
        "messaging.destination.name": "`room:channel`, `room`, or the ids of the addressees",
        "messaging.destination.template": "`{room}:{channel}`, `{room}` or `{client}`",
        "messaging.message.id": "the id that the sender gave",
        "messaging.message.conversation_id": "the message that this one answers (`reply_to`)",
        "messaging.client.id": "the id of the client: of the sender, or of the member that a delivery is for",
        "messaging.batch.message_count": "events replayed",
        "error.type": "the code of the refusal, or why a member was not reached",
        "arqonbus.protocol": "version of the protocol, `1.0`",
        "arqonbus.frame.size": "bytes of the message as it came",
        "arqonbus.actor.type": "`channel`, `room` or `registry`",
        "arqonbus.actor.id": "name of the actor",
        "arqonbus.mailbox.wait_us": "microseconds that the mail waited for the actor",
        "arqonbus.mailbox.depth": "mails that waited for the actor when this one came",
        "arqonbus.seq": "place of the event in its channel",
        "arqonbus.fanout.members": "members at that moment",
        "arqonbus.fanout.delivered": "members that were told",
        "arqonbus.fanout.dropped": "members that were gone",
        "arqonbus.fanout.traced": "members whose delivery has a span of its own if all goes well",
        "arqonbus.deliver.outcome": "`written`: given to the system at once; `queued`: given to it later, since "
        "the socket was congested; `away`: the client has no connection, and may come back for it; `slow`: the client "
        "was closed for it; `dropped`: thrown away as the member's overflow policy says",
        "arqonbus.command": "name of the command",
        "arqonbus.join.recovered": "whether all that was missed could be replayed",
        "arqonbus.join.members": "members with the new one",
    }
)
"""Every attribute that a span may have, with its meaning."""

_SENT: Final = ("messaging.operation.name", "messaging.operation.type")
_ACTOR: Final = ("arqonbus.actor.type", "arqonbus.actor.id", "arqonbus.mailbox.wait_us", "arqonbus.mailbox.depth")


class Message(Struct, frozen=True):
    """The spans of one type of message."""

    template: str
    """Of the destination."""
    publish: Row
    route: Row
    fanout: Row | None
    """None: the message goes to single clients."""
    deliver: Row


def _publish(template: str) -> Row:
    return Row(
        name=f"publish {template}",
        kind="SERVER",
        parent="the sender's span, if it sent a sampled `traceparent`; else none",
        covers="the session took the message; it is accepted (stored, and told to all members) or refused",
        always=(
            *_SENT,
            "messaging.destination.name",
            "messaging.destination.template",
            "messaging.client.id",
            "arqonbus.protocol",
            "arqonbus.frame.size",
        ),
        sometimes=(
            "messaging.message.id",
            "messaging.message.conversation_id",
            "error.type",
        ),
    )


def _route(template: str, to: str) -> Row:
    return Row(
        name=f"route {template}",
        kind="INTERNAL",
        parent=f"publish {template}",
        covers=f"the {to} has the message in hand: checks, numbering, encoding",
        always=_ACTOR,
        sometimes=("messaging.message.id", "arqonbus.seq"),
    )


def _fanout(template: str) -> Row:
    return Row(
        name=f"fanout {template}",
        kind="INTERNAL",
        parent=f"route {template}",
        covers="from storing the turn's messages until every member was told",
        always=(
            "arqonbus.actor.type",
            "arqonbus.actor.id",
            "arqonbus.fanout.members",
            "arqonbus.fanout.delivered",
            "arqonbus.fanout.dropped",
            "arqonbus.fanout.traced",
        ),
        sometimes=("messaging.message.id",),
    )


def _deliver(template: str, parent: str) -> Row:
    return Row(
        name=f"deliver {template}",
        kind="PRODUCER",
        parent=parent,
        covers="the member's session was told; its frame was written, or queued, or given up. Of one message the first "
        "that are done (`telemetry.deliver_spans`), and as many again that went wrong",
        always=(*_SENT, "messaging.client.id", "arqonbus.mailbox.wait_us", "arqonbus.deliver.outcome"),
        sometimes=("messaging.message.id", "error.type"),
    )


EVENT: Final = Message(
    "{room}:{channel}",
    _publish("{room}:{channel}"),
    _route("{room}:{channel}", "channel"),
    _fanout("{room}:{channel}"),
    _deliver("{room}:{channel}", "fanout {room}:{channel}"),
)
BROADCAST: Final = Message(
    "{room}",
    _publish("{room}"),
    _route("{room}", "room"),
    _fanout("{room}"),
    _deliver("{room}", "fanout {room}"),
)
PRIVATE: Final = Message(
    "{client}",
    _publish("{client}"),
    _route("{client}", "registry"),
    None,
    _deliver("{client}", "route {client}"),
)

COMMAND: Final = Row(
    name="command {command}",
    kind="SERVER",
    parent="the sender's span, if it sent a sampled `traceparent`; else none",
    covers="the session took the command; its answer is on the way out",
    always=("arqonbus.command", "messaging.client.id", "arqonbus.protocol", "arqonbus.frame.size"),
    sometimes=("messaging.message.id", "messaging.destination.name", "error.type"),
)
JOIN: Final = Row(
    name="join {room}:{channel}",
    kind="INTERNAL",
    parent="command join_channel, or command connect that resumes",
    covers="the channel takes a member in; of a whole room that is joined (`*`) its first 16 channels",
    always=(*_ACTOR, "messaging.client.id", "arqonbus.join.recovered", "arqonbus.join.members"),
)
REPLAY: Final = Row(
    name="replay {room}:{channel}",
    kind="INTERNAL",
    parent="join {room}:{channel}",
    covers="what the member missed is read and put together; links to the traces of these events, the newest 128",
    always=("messaging.destination.name", "messaging.client.id", "messaging.batch.message_count"),
)
RELAY_OUT: Final = Row(
    name="relay {room}:{channel}",
    kind="PRODUCER",
    parent="publish {room}:{channel}",
    covers="the event is given to the store that nodes share, until it answers",
    always=(*_SENT, "messaging.destination.name"),
    sometimes=("messaging.message.id", "error.type"),
)
RELAY_IN: Final = Row(
    name="relay {room}:{channel}",
    kind="CONSUMER",
    parent="publish {room}:{channel} of the other node, or the sender's span, as the event's `traceparent` says",
    covers="an event of another node came from the store; all members here were told",
    always=(*_SENT, "messaging.destination.name"),
    sometimes=("messaging.message.id",),
)

SPANS: Final[tuple[Row, ...]] = (
    *(row for message in (EVENT, BROADCAST, PRIVATE) for row in (message.publish, message.route)),
    *(message.fanout for message in (EVENT, BROADCAST) if message.fanout is not None),
    *(message.deliver for message in (EVENT, BROADCAST, PRIVATE)),
    COMMAND,
    JOIN,
    REPLAY,
    RELAY_OUT,
    RELAY_IN,
)
"""All rows."""

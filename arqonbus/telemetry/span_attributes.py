"""What several spans tell alike: who, where, how long. Used by the modules of spans only."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from arqonbus.telemetry.span_table import Message

__all__ = [
    "PROTOCOL",
    "US",
    "About",
    "Actor",
    "Values",
    "actor_attributes",
    "put",
    "relay_attributes",
    "sent_attributes",
]

PROTOCOL: Final = "1.0"
US: Final = 1000
"""Nanoseconds in a microsecond."""

Actor: TypeAlias = tuple[Literal["channel", "room", "registry"], str]
"""Type and name of an actor."""

Values: TypeAlias = dict[str, str | int | bool]


class About(Struct, frozen=True):
    """What all spans of one message tell of it. Made once, where it was routed to."""

    message: Message
    """Which type it is."""
    destination: str
    """``room:channel``, ``room``, or the ids of the addressees."""
    client: str
    """Who sent it."""
    id: str | None
    """As the sender gave it."""
    reply_to: str | None = None


def sent_attributes(about: About, operation: str, client: str) -> Values:
    """Say what a message is and where it goes; ``client``: who sent or who gets it."""
    attributes: Values = {
        "messaging.system": "arqonbus",
        "messaging.operation.name": operation,
        "messaging.operation.type": "send",
        "messaging.client.id": client,
    }
    if about.id is not None:
        attributes["messaging.message.id"] = about.id
    return attributes


def actor_attributes(actor: Actor, wait_ns: int, depth: int) -> Values:
    """Say which actor had it in hand, and how long it waited for that."""
    return {
        "messaging.system": "arqonbus",
        "arqonbus.actor.type": actor[0],
        "arqonbus.actor.id": actor[1],
        "arqonbus.mailbox.wait_us": max(wait_ns, 0) // US,
        "arqonbus.mailbox.depth": depth,
    }


def relay_attributes(operation: str, destination: str, message_id: str | None) -> Values:
    """Say how a message goes between nodes; which ones, their resources say."""
    attributes: Values = {
        "messaging.system": "redis",
        "messaging.operation.name": "relay",
        "messaging.operation.type": operation,
        "messaging.destination.name": destination,
    }
    put(attributes, "messaging.message.id", message_id)
    return attributes


def put(attributes: Values, key: str, value: str | None) -> None:
    """Set what is known."""
    if value is not None:
        attributes[key] = value

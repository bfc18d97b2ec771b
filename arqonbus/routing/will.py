"""Will: the event that a client wants published when it is lost. Here it is read, when it is set. Pure.

It waits on the client's card. A session that continues the client takes it over with the rest; the registry, which is
told of every end, sends it on its way (``commands.last_will``). So no session has to live for its will.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

from arqonbus.errors import InvalidArgs, TooLarge
from arqonbus.protocol.envelope import NULL, Event
from arqonbus.protocol.payloads import Will, address
from arqonbus.security.gate import Action, Gate, Identity

__all__ = ["WillRules"]


class WillRules(Struct, frozen=True):
    """What a will may be."""

    gate: Gate
    max_bytes: int  # of payload and metadata, >= 0: each client may have the server keep so much

    def read(self, will: Will, identity: Identity) -> Event:
        """Make the event that waits. Its bytes are copies: as they were decoded they would keep the whole message.

        Raises:
            InvalidArgs: it names no channel, or its metadata is no object.
            TooLarge: it is larger than ``max_bytes``.
            Forbidden: the client may not publish there. That is asked again when the will is published.
        """
        room, channel = _address(will)
        metadata = _metadata(will.metadata)
        size = len(bytes(will.payload)) + (0 if isinstance(metadata, UnsetType) else len(bytes(metadata)))
        if size > self.max_bytes:
            told = f"expected at most {self.max_bytes} bytes of payload and metadata, got {size} - at `$.args.will`"
            raise TooLarge(told)
        self.gate.authorize(identity, Action.PUBLISH, room, channel)
        return Event(room=room, channel=channel, payload=will.payload.copy(), metadata=metadata)


def _address(will: Will) -> tuple[str, str]:
    try:
        return address(will)
    except InvalidArgs as error:
        raise InvalidArgs(error.message.replace("`$.args.", "`$.args.will.")) from error


def _metadata(metadata: Raw | UnsetType) -> Raw | UnsetType:
    if isinstance(metadata, UnsetType) or metadata == NULL:
        return UNSET
    if not bytes(metadata).startswith(b"{"):
        raise InvalidArgs("expected `object | null` - at `$.args.will.metadata`")
    return metadata.copy()

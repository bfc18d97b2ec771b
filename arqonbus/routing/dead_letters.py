"""Dead letters: events that were given to members of a group too often go to a channel of their own.

They are published there as any event, by the server, under an id that is the same on every node and each time: so one
that is published again within the dedupe window is there once.
"""

from __future__ import annotations

from typing import Any, Final
from zlib import crc32

import msgspec
from msgspec import Raw, Struct

from arqonbus.actor import Ref
from arqonbus.protocol.codec import encode
from arqonbus.protocol.envelope import Event
from arqonbus.protocol.payloads import ChannelOptions, DeadLetter, Profile
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.mail import Bounced, Create, Publish, Receipt
from arqonbus.security.gate import Identity
from arqonbus.storage.shared_group import GroupOptions, Work
from arqonbus.storage.shared_log import with_seq

__all__ = ["OPTIONS", "SENDER", "DeadLetters"]

SENDER: Final = "_dead_letters"
"""The ``from`` of these events."""

OPTIONS: Final = ChannelOptions(
    history_limit=10_000, history_ttl_s=2_592_000.0, history_bytes=67_108_864, durable=True, persistent=True
)
"""Of a channel for dead letters that has to be made: 30 days, for people to look."""


class _Accepted(Struct):
    """What is read of an event."""

    timestamp: str = ""


class DeadLetters:
    """Those of one channel. Owned by it, used in its turns.

    Args:
        address: room and channel.
        room: of the channel.
        own: ref of the channel, which gets the Receipts.
    """

    __slots__ = ("_address", "_card", "_room", "_under_way")

    def __init__(self, address: tuple[str, str], room: Ref[Any], own: Ref[Any]) -> None:
        self._address = address
        self._room = room
        self._card = ClientCard(own, Identity(SENDER, None, False), Profile())
        self._under_way: dict[str, tuple[str, Work]] = {}  # by id: of which group

    def bury(self, group: str, options: GroupOptions, work: Work) -> None:
        """Publish one; ``answered`` says what became of it."""
        event_id = f"{work.epoch}-{work.seq}-{crc32(group.encode()):08x}"
        if event_id in self._under_way:
            return
        self._under_way[event_id] = (group, work)
        room, channel = self._address
        text = with_seq(work.text, work.seq)
        seen = msgspec.json.decode(text, type=_Accepted).timestamp
        told = DeadLetter("max_deliver", group, work.attempt - 1, seen, room, channel, work.epoch, work.seq, Raw(text))
        event = Event(room=room, channel=options.dead_letter, payload=Raw(encode(told)), id=event_id, ack=True)
        self._room.tell_past_bound(Create(None, None, options.dead_letter, OPTIONS))  # without effect where it is
        self._room.tell_past_bound(Bounced(options.dead_letter, Publish(self._card, event)))

    def answered(self, mail: Receipt) -> tuple[str, Work] | None:
        """Give the group and the event that a receipt is about; None: it is of nothing that is under way."""
        return self._under_way.pop(mail.request_id or "", None)

    def forget(self) -> None:
        """Forget what is under way: its places are void."""
        self._under_way.clear()

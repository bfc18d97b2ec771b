"""Fan-out: encode once, tell everybody. The only place where one message becomes many deliveries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from arqonbus.actor import Ref
from arqonbus.protocol.codec import encode
from arqonbus.protocol.frames import head, text_frame
from arqonbus.routing.mail import Deliver, Place

__all__ = ["deliver_one", "deliver_texts", "fan_out", "fan_out_texts"]


def deliver_one(envelope: Struct) -> Deliver:
    """Encode one outbound envelope."""
    text = encode(envelope)
    return Deliver(text_frame(text), (text,))


def deliver_texts(texts: Sequence[bytes], place: Place | None = None, last: int = 0) -> Deliver:
    """Make the frames of texts that are encoded already; in their order.

    Args:
        texts: JSON, at least one for live events.
        place: of live events: their channel.
        last: of live events: seq of the last one.
    """
    if len(texts) == 1:
        text = texts[0]
        return Deliver(head(len(text)) + text, (text,), place, last)
    parts: list[bytes] = []
    for text in texts:
        parts.append(head(len(text)))
        parts.append(text)
    return Deliver(b"".join(parts), tuple(texts), place, last)


def fan_out_texts(texts: Sequence[bytes], place: Place, last: int, members: Iterable[Ref[Any]]) -> None:
    """Make live events one delivery, and tell each member: deliver_texts and fan_out, in one call for speed."""
    if len(texts) == 1:
        text = texts[0]
        deliver = Deliver(head(len(text)) + text, (text,), place, last)
    else:
        deliver = deliver_texts(texts, place, last)
    for ref in members:
        ref.signal(deliver)


def fan_out(deliver: Deliver, members: Iterable[Ref[Any]]) -> None:
    """Tell each member. O(members); about 0.2 us each.

    A member that is gone is no loss of ours: its Terminated is on the way, and it is counted as a dead letter.
    """
    for ref in members:
        ref.signal(deliver)

"""Reading: from a frame that waits to the message that a reader gets. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from arqonbus.client.codec import BroadcastIn, EventIn, PrivateIn, TelemetryIn
from arqonbus.client.message import Gap, Message
from arqonbus.client.settlement import Settlement

__all__ = ["message_of"]


def message_of(
    frame: EventIn | PrivateIn | BroadcastIn,
    data: Any,
    *,
    epoch: str | None = None,
    replay: bool = False,
    gap: Gap | None = None,
    settlement: Settlement | None = None,
) -> Message[Any]:
    """Make the message of a frame.

    Args:
        frame: as it came
        data: its payload, read; Any: what the reader asked for
        epoch: of the channel, if it is known
        replay: it was published before
        gap: before it
        settlement: of an event that is to be acknowledged
    """
    headers = msgspec.json.decode(frame.metadata)
    common: dict[str, Any] = {
        "data": data,
        "id": frame.id,
        "sender": frame.sender,
        "timestamp": frame.timestamp,
        "raw": frame.payload,
        "gap": gap,
        "metadata": headers if isinstance(headers, dict) else {},
        "reply_to": frame.reply_to,
        "traceparent": frame.traceparent,
        "tracestate": frame.tracestate,
    }
    match frame:
        case EventIn():
            place: dict[str, Any] = {"room": frame.room, "channel": frame.channel, "seq": frame.seq}
            if isinstance(frame, TelemetryIn):
                place |= {"kind": "telemetry", "event": frame.event}
            if frame.delivery is not None:
                place |= {"delivery": frame.delivery, "settlement": settlement}
                epoch = frame.delivery.epoch
            return Message(epoch=epoch, replay=replay, **{"kind": "event", **place}, **common)
        case BroadcastIn():
            return Message(kind="broadcast", room=frame.room, **common)
        case PrivateIn():
            return Message(kind="private", **common)

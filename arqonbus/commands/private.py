"""Private messages: who gets one, and what its sender is told of those who are not there. Pure but for the mail."""

from __future__ import annotations

from msgspec import Struct

from arqonbus.errors import NotFound, Refusal, Unavailable
from arqonbus.protocol.codec import encode
from arqonbus.protocol.envelope import Private, PrivateOut, trace_parent, trace_state
from arqonbus.protocol.payloads import PrivateResult
from arqonbus.routing.directory import Directory
from arqonbus.routing.fanout import deliver_one
from arqonbus.routing.hops import Flight, loaded

__all__ = ["post", "verdict"]


def post(
    private: Private,
    sender: str,
    number: int,
    timestamp: str,
    directory: Directory,
    flight: Flight | None = None,
    elsewhere: dict[str, bytes] | None = None,
) -> list[str]:
    """Deliver one copy to each addressee that is there. Returns the ids of the others.

    Args:
        private: as it came.
        sender: id of the client that sent it.
        number: of the message, for its id if it has none.
        timestamp: now.
        directory: knows who is there.
        flight: of a message that is traced; to be landed by the caller.
        elsewhere: takes the copies of those who are not known here at all, by id; None: they are absent, too.
            No client's id has a dot in it.
    """
    absent = []
    traced = flight.take_off() if flight is not None else ()
    for client in private.to:
        card = directory.client(client)
        if card is None and (elsewhere is None or "." in client or directory.to_continue(client) is not None):
            absent.append(client)
            continue
        out = PrivateOut(
            private.id or f"{sender}.{number}",
            sender,
            (client,),
            timestamp,
            private.payload,
            private.metadata,
            private.reply_to,
            trace_parent(private.traceparent),
            trace_state(private.tracestate),
        )
        if card is not None:
            card.ref.signal(loaded(deliver_one(out), traced))
        elif elsewhere is not None:
            elsewhere[client] = encode(out)
    return absent


def verdict(private: Private, absent: list[str], unknown: list[str], why: str = "") -> Struct | Refusal | None:
    """Say what the sender is told; None: nothing.

    Who asked is told. Who did not is told when the message has a name and reached nobody, since no reply will ever
    come; and in any case when it is not known what became of it.

    Args:
        private: the message.
        absent: addressees that nobody has.
        unknown: addressees of which that is not known.
        why: it is not.
    """
    n_delivered = len(private.to) - len(absent) - len(unknown)
    if unknown:
        words = f"it is not known whether {len(unknown)} of {len(private.to)} addressees got it: {why} - at `$.to`"
        return Unavailable(words, details={"delivered": n_delivered, "absent": absent, "unknown": unknown})
    if private.ack:
        return PrivateResult(n_delivered, tuple(absent))
    if private.id is not None and not n_delivered:
        words = f"none of the {len(absent)} addressees is connected - at `$.to`"
        return NotFound(words, details={"absent": absent})
    return None

"""Private messages: who gets one, and what its sender is told of those who are not there. Pure but for the mail."""

from __future__ import annotations

from msgspec import Struct

from arqonbus.errors import NotFound, Refusal
from arqonbus.protocol.envelope import Private, PrivateOut, trace_parent, trace_state
from arqonbus.protocol.payloads import PrivateResult
from arqonbus.routing.directory import Directory
from arqonbus.routing.fanout import deliver_one
from arqonbus.routing.hops import Flight, loaded

__all__ = ["post", "verdict"]


def post(
    private: Private, sender: str, number: int, timestamp: str, directory: Directory, flight: Flight | None = None
) -> list[str]:
    """Deliver one copy to each addressee that is there. Returns the ids of the others.

    Args:
        private: as it came.
        sender: id of the client that sent it.
        number: of the message, for its id if it has none.
        timestamp: now.
        directory: knows who is there.
        flight: of a message that is traced.
    """
    absent = []
    traced = flight.take_off() if flight is not None else ()
    for client in private.to:
        card = directory.client(client)
        if card is None:
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
        card.ref.signal(loaded(deliver_one(out), traced))
    if flight is not None:
        flight.land(len(private.to), len(absent))
    return absent


def verdict(private: Private, absent: list[str]) -> Struct | Refusal | None:
    """Say what the sender is told; None: nothing.

    Who asked is told. Who did not is told when the message has a name and reached nobody: no reply will ever come.
    """
    n_delivered = len(private.to) - len(absent)
    if private.ack:
        return PrivateResult(n_delivered, tuple(absent))
    if private.id is not None and not n_delivered:
        words = f"none of the {len(absent)} addressees is connected - at `$.to`"
        return NotFound(words, details={"absent": absent})
    return None

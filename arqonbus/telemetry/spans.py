"""Spans of messages, one function for each row of ``span_table``: called by actors when a hop is over.

A span is made at its end, in one piece, by whoever knows the end; before that it is a few integers in the mail. So a
message that is lost, or sent again, leaves nothing half open. Each function times the hop for the metrics, too.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from arqonbus.telemetry.span_attributes import (
    PROTOCOL,
    US,
    About,
    Actor,
    Values,
    actor_attributes,
    sent_attributes,
)
from arqonbus.telemetry.tracer import Span, Trace, Tracer

__all__ = ["Deliveries", "Outcome", "deliver", "fanout", "publish", "route"]

Outcome: TypeAlias = Literal["written", "queued", "away", "slow", "dropped"]


class Deliveries:
    """The deliveries of one traced message. One object for all members, carried by what they are told."""

    __slots__ = ("_left", "_left_wrong", "about", "parent_id", "told_ns", "trace")

    def __init__(self, tracer: Tracer, trace: Trace, about: About, parent_id: int = 0) -> None:
        """Make it before the members are told.

        Args:
            tracer: the bus'.
            trace: of the message.
            about: the message.
            parent_id: of the span above; 0: a new one, for the fan-out that is about to be.
        """
        self.trace = trace
        self.about = about
        self.parent_id = parent_id or tracer.new_id()
        self.told_ns = tracer.clock_ns()
        self._left = self._left_wrong = tracer.most_deliveries

    def take(self, *, is_wrong: bool) -> bool:
        """Take the right to a span: the first ones have it, and as many more that went wrong."""
        if self._left > 0:
            self._left -= 1
            return True
        if is_wrong and self._left_wrong > 0:
            self._left_wrong -= 1
            return True
        return False


def publish(tracer: Tracer, trace: Trace, about: About, error: str | None = None) -> None:
    """End the publish span now: the message is accepted, or refused with a code."""
    ended_ns = tracer.clock_ns()
    tracer.meters.published(about.message, trace, ended_ns)
    if not trace.is_recorded or tracer.record is None:
        return
    row = about.message.publish
    attributes = sent_attributes(about, "publish", about.client)
    attributes["messaging.destination.name"] = about.destination
    attributes["messaging.destination.template"] = about.message.template
    attributes["arqonbus.protocol"] = PROTOCOL
    attributes["arqonbus.frame.size"] = trace.size
    if about.reply_to is not None:
        attributes["messaging.message.conversation_id"] = about.reply_to
    if error is not None:
        attributes["error.type"] = error
    ids = (trace.trace_id, trace.span_id, trace.parent_id)
    is_remote = trace.parent_id != 0
    tracer.record(Span(row, *ids, trace.started_ns, ended_ns, attributes, error, is_parent_remote=is_remote))


def route(
    tracer: Tracer,
    trace: Trace,
    about: About,
    actor: Actor,
    started_ns: int,
    ended_ns: int,
    seq: int | None = None,
) -> int:
    """Record that an actor had the message in hand.

    Args:
        tracer: the bus'.
        trace: of the message.
        about: the message.
        actor: its type and name.
        started_ns: when it took the mail.
        ended_ns: when it had done with it.
        seq: that it gave the event.

    Returns:
        the id of the span, for the one below; 0 when there is none.
    """
    wait_ns = started_ns - trace.started_ns
    tracer.meters.waited(actor[0], wait_ns, trace)
    if not trace.is_recorded or tracer.record is None:
        return 0
    row = about.message.route
    attributes = actor_attributes(actor, wait_ns, trace.depth)
    if about.id is not None:
        attributes["messaging.message.id"] = about.id
    if seq is not None:
        attributes["arqonbus.seq"] = seq
    span_id = tracer.new_id()
    tracer.record(Span(row, trace.trace_id, span_id, trace.span_id, started_ns, ended_ns, attributes))
    return span_id


def fanout(
    tracer: Tracer,
    deliveries: Deliveries,
    actor: Actor,
    route_id: int,
    n_members: int,
    n_gone: int,
    started_ns: int,
    ended_ns: int,
) -> None:
    """Record that all members were told.

    Args:
        tracer: the bus'.
        deliveries: made before they were.
        actor: type and name of the one that told them.
        route_id: of the span above.
        n_members: told, or gone.
        n_gone: of these.
        started_ns: when storing began.
        ended_ns: when the last one was told.
    """
    trace, about = deliveries.trace, deliveries.about
    tracer.meters.fanned_out(n_members, trace)
    row = about.message.fanout
    if row is None or not trace.is_recorded or tracer.record is None:
        return
    attributes: Values = {
        "messaging.system": "arqonbus",
        "arqonbus.actor.type": actor[0],
        "arqonbus.actor.id": actor[1],
        "arqonbus.fanout.members": n_members,
        "arqonbus.fanout.delivered": n_members - n_gone,
        "arqonbus.fanout.dropped": n_gone,
        "arqonbus.fanout.traced": min(n_members, tracer.most_deliveries),
    }
    if about.id is not None:
        attributes["messaging.message.id"] = about.id
    ids = (trace.trace_id, deliveries.parent_id, route_id or trace.span_id)
    tracer.record(Span(row, *ids, started_ns, ended_ns, attributes))


def deliver(tracer: Tracer, deliveries: Deliveries, client: str, outcome: Outcome, ended_ns: int) -> None:
    """Record what became of one delivery; one of many may have no span, see ``Deliveries.take``."""
    trace, about = deliveries.trace, deliveries.about
    is_wrong = outcome in ("slow", "dropped")
    if outcome in ("written", "queued"):
        tracer.meters.delivered(ended_ns - trace.started_ns, trace)
    if not trace.is_recorded or tracer.record is None or not deliveries.take(is_wrong=is_wrong):
        return
    row = about.message.deliver
    # Written out, not by sent_attributes: of all spans most are these.
    attributes: Values = {
        "messaging.system": "arqonbus",
        "messaging.operation.name": "deliver",
        "messaging.operation.type": "send",
        "messaging.client.id": client,
        "arqonbus.mailbox.wait_us": (ended_ns - deliveries.told_ns) // US,
        "arqonbus.deliver.outcome": outcome,
    }
    if about.id is not None:
        attributes["messaging.message.id"] = about.id
    error = outcome if is_wrong else None
    if error is not None:
        attributes["error.type"] = error
    ids = (trace.trace_id, tracer.new_id(), deliveries.parent_id)
    tracer.record(Span(row, *ids, deliveries.told_ns, ended_ns, attributes, error))

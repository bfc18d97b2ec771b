"""Spans of messages, one function for each row of ``span_table``: called by actors when a hop is over.

A span is made at its end, in one piece, by whoever knows the end; before that it is a few integers in the mail. So a
message that is lost, or sent again, leaves nothing half open. Each function times the hop for the metrics, too. What it
records is references alone; names and attributes are put together where the span is exported (``tracer.Over``).
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from arqonbus.telemetry.span_attributes import (
    PROTOCOL,
    US,
    About,
    Actor,
    Values,
    actor_attributes,
    put,
    sent_attributes,
)
from arqonbus.telemetry.span_table import Row
from arqonbus.telemetry.tracer import NewId, Span, Trace, Tracer

__all__ = ["Deliveries", "Outcome", "deliver", "fanout", "publish", "route"]

Outcome: TypeAlias = Literal["written", "queued", "away", "slow", "dropped"]

_WRONG: Final = ("slow", "dropped")


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


class _Published(Struct, frozen=True, gc=False):
    """A publish span that is over."""

    trace: Trace
    about: About
    ended_ns: int
    error: str | None

    def span(self, new_id: NewId) -> Span:
        trace, about = self.trace, self.about
        attributes = sent_attributes(about, "publish", about.client)
        attributes["messaging.destination.name"] = about.destination
        attributes["messaging.destination.template"] = about.message.template
        attributes["arqonbus.protocol"] = PROTOCOL
        attributes["arqonbus.frame.size"] = trace.size
        put(attributes, "messaging.message.conversation_id", about.reply_to)
        put(attributes, "error.type", self.error)
        ids, times = (trace.trace_id, trace.span_id, trace.parent_id), (trace.started_ns, self.ended_ns)
        is_remote = trace.parent_id != 0
        return Span(about.message.publish, *ids, *times, attributes, self.error, is_parent_remote=is_remote)


class _Routed(Struct, frozen=True, gc=False):
    """A route span that is over."""

    trace: Trace
    about: About
    actor: Actor
    span_id: int
    started_ns: int
    ended_ns: int
    seq: int | None

    def span(self, new_id: NewId) -> Span:
        trace, about = self.trace, self.about
        attributes = actor_attributes(self.actor, self.started_ns - trace.started_ns, trace.depth)
        put(attributes, "messaging.message.id", about.id)
        if self.seq is not None:
            attributes["arqonbus.seq"] = self.seq
        ids = (trace.trace_id, self.span_id, trace.span_id)
        return Span(about.message.route, *ids, self.started_ns, self.ended_ns, attributes)


class _FannedOut(Struct, frozen=True, gc=False):
    """A fanout span that is over."""

    row: Row
    deliveries: Deliveries
    actor: Actor
    route_id: int
    n_members: int
    n_gone: int
    n_traced: int
    started_ns: int
    ended_ns: int

    def span(self, new_id: NewId) -> Span:
        trace = self.deliveries.trace
        attributes: Values = {
            "messaging.system": "arqonbus",
            "arqonbus.actor.type": self.actor[0],
            "arqonbus.actor.id": self.actor[1],
            "arqonbus.fanout.members": self.n_members,
            "arqonbus.fanout.delivered": self.n_members - self.n_gone,
            "arqonbus.fanout.dropped": self.n_gone,
            "arqonbus.fanout.traced": self.n_traced,
        }
        put(attributes, "messaging.message.id", self.deliveries.about.id)
        ids = (trace.trace_id, self.deliveries.parent_id, self.route_id or trace.span_id)
        return Span(self.row, *ids, self.started_ns, self.ended_ns, attributes)


class _Delivered(Struct, frozen=True, gc=False):
    """A deliver span that is over. Of all spans most are these."""

    deliveries: Deliveries
    client: str
    outcome: Outcome
    ended_ns: int

    def span(self, new_id: NewId) -> Span:
        deliveries, outcome = self.deliveries, self.outcome
        about, told_ns = deliveries.about, deliveries.told_ns
        attributes = sent_attributes(about, "deliver", self.client)
        attributes["arqonbus.mailbox.wait_us"] = (self.ended_ns - told_ns) // US
        attributes["arqonbus.deliver.outcome"] = outcome
        error = outcome if outcome in _WRONG else None
        put(attributes, "error.type", error)
        ids = (deliveries.trace.trace_id, new_id(), deliveries.parent_id)
        return Span(about.message.deliver, *ids, told_ns, self.ended_ns, attributes, error)


def publish(tracer: Tracer, trace: Trace, about: About, error: str | None = None) -> None:
    """End the publish span now: the message is accepted, or refused with a code."""
    ended_ns = tracer.clock_ns()
    tracer.meters.published(about.message, trace, ended_ns)
    if not trace.is_recorded or tracer.record is None:
        return
    tracer.record(_Published(trace, about, ended_ns, error))


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
    span_id = tracer.new_id()
    tracer.record(_Routed(trace, about, actor, span_id, started_ns, ended_ns, seq))
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
    n_traced = min(n_members, tracer.most_deliveries)
    tracer.record(_FannedOut(row, deliveries, actor, route_id, n_members, n_gone, n_traced, started_ns, ended_ns))


def deliver(tracer: Tracer, deliveries: Deliveries, client: str, outcome: Outcome, ended_ns: int) -> None:
    """Record what became of one delivery; one of many may have no span, see ``Deliveries.take``."""
    trace = deliveries.trace
    is_wrong = outcome in _WRONG
    if not is_wrong and outcome != "away":
        tracer.meters.delivered(ended_ns - trace.started_ns, trace)
    if trace.is_recorded and tracer.record is not None and deliveries.take(is_wrong=is_wrong):
        tracer.record(_Delivered(deliveries, client, outcome, ended_ns))

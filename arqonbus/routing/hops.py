"""Hops: what channels, rooms and the registry do for the traced messages that they have in hand.

Made for traced messages only, so nothing here is on the path of the others. Times are nanoseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.json import decode

from arqonbus.actor import Ref
from arqonbus.protocol.envelope import Broadcast, Event, Private
from arqonbus.protocol.names import join_address
from arqonbus.routing.mail import Deliver
from arqonbus.routing.recovery import Recovery
from arqonbus.telemetry.command_spans import MOST_LINKS, join, replay
from arqonbus.telemetry.context import TraceContext, parse
from arqonbus.telemetry.relay_spans import relay_in, taken_in
from arqonbus.telemetry.span_attributes import About, Actor
from arqonbus.telemetry.span_table import BROADCAST, EVENT, PRIVATE
from arqonbus.telemetry.spans import Deliveries, fanout, publish, route
from arqonbus.telemetry.tracer import Trace, Tracer

__all__ = [
    "Flight",
    "Leg",
    "Message",
    "TracedDeliver",
    "about_of",
    "fly",
    "legs_from",
    "loaded",
    "n_gone",
    "trace_join",
]

Message = Event | Broadcast | Private
"""What may be traced on its way to others."""


class TracedDeliver(Deliver, frozen=True, gc=False):
    """[control] A Deliver that holds traced messages. One object for all receivers, too."""

    traced: tuple[tuple[int, Deliveries], ...] = ()  # seq (0: none) of each of them


class Leg(Struct, frozen=True):
    """One traced message in the hands of one actor."""

    trace: Trace
    about: About
    started_ns: int  # when the actor took it
    seq: int | None = None  # of an event
    is_relayed: bool = False  # it is another node's, and was published there


def about_of(message: Message, client: str) -> About:
    """Say what the spans of a message tell of it; ``client``: who sent it."""
    match message:
        case Event():
            return About(EVENT, join_address(message.room, message.channel or ""), client, message.id, message.reply_to)
        case Broadcast():
            return About(BROADCAST, message.room, client, message.id, message.reply_to)
        case Private():
            return About(PRIVATE, ",".join(message.to), client, message.id, message.reply_to)


class Flight:
    """Traced messages from when they are stored until all members are told, or until they are refused."""

    __slots__ = ("_actor", "_aloft", "_legs", "_started_ns", "_tracer")

    def __init__(self, tracer: Tracer, actor: Actor, legs: Sequence[Leg]) -> None:
        """Take off now: the actor has done with them."""
        self._tracer = tracer
        self._actor = actor
        self._legs = legs
        self._started_ns = tracer.clock_ns()
        self._aloft: list[tuple[Leg, int, Deliveries]] = []  # once they are stored: with the id of the route span

    def take_off(self) -> tuple[tuple[int, Deliveries], ...]:
        """Leave the hands of the actor only now; as ``stored``."""
        self._started_ns = self._tracer.clock_ns()
        return self.stored()

    def stored(self) -> tuple[tuple[int, Deliveries], ...]:
        """Note that they are stored, and about to be told. Gives what the members have to know for their spans."""
        tracer, actor = self._tracer, self._actor
        for leg in self._legs:
            trace, about = leg.trace, leg.about
            route_id = route(tracer, trace, about, actor, leg.started_ns, self._started_ns, leg.seq)
            parent_id = route_id if about.message.fanout is None else 0
            self._aloft.append((leg, route_id, Deliveries(tracer, trace, about, parent_id)))
        return tuple([(leg.seq or 0, deliveries) for leg, _, deliveries in self._aloft])

    def land(self, n_members: int, n_gone: int = 0) -> None:
        """Note that all members were told; ``n_gone`` of them were gone."""
        tracer, ended_ns = self._tracer, self._tracer.clock_ns()
        for leg, route_id, deliveries in self._aloft:
            fanout(tracer, deliveries, self._actor, route_id, n_members, n_gone, self._started_ns, ended_ns)
            if leg.is_relayed:
                relay_in(tracer, leg.trace, leg.about)
            else:
                publish(tracer, leg.trace, leg.about)

    @property
    def trace(self) -> Trace | None:
        """Of the first one, for a log line about all."""
        return self._legs[0].trace if self._legs else None

    def fail(self, code: str) -> None:
        """Note that they are refused."""
        for leg in self._legs:
            publish(self._tracer, leg.trace, leg.about, code)


def legs_from(
    tracer: Tracer, address: str, first: int, texts: Sequence[bytes], mine: Sequence[Leg], now: float
) -> list[Leg]:
    """Give the traced ones among events that a shared store told of, in their order.

    Args:
        tracer: the bus'.
        address: where they are, ``room:channel``.
        first: seq of the first one.
        texts: of all.
        mine: those that were published here.
        now: monotonic seconds.
    """
    known = {leg.seq: leg for leg in mine}
    for seq, text in enumerate(texts, first):
        found = None if seq in known else taken_in(tracer, text, address, now)
        if found is not None:
            known[seq] = Leg(*found, found[0].started_ns, seq, is_relayed=True)
    return [known[seq] for seq in sorted(known, key=lambda seq: seq or 0)]


def fly(tracer: Tracer | None, actor: Actor, trace: Trace | None, message: Message, client: str) -> Flight | None:
    """Take one message in hand and let it fly; None: it is not traced."""
    if tracer is None or trace is None:
        return None
    return Flight(tracer, actor, [Leg(trace, about_of(message, client), tracer.clock_ns())])


def loaded(deliver: Deliver, traced: tuple[tuple[int, Deliveries], ...]) -> Deliver:
    """Give the same with the traced messages that it holds."""
    return TracedDeliver(deliver.chunk, deliver.texts, deliver.place, deliver.last, traced) if traced else deliver


def n_gone(refs: Iterable[Ref[Any]]) -> int:
    """Count members that cannot be told any more. O(members)."""
    return sum([not ref.alive for ref in refs])


def trace_join(
    tracer: Tracer, trace: Trace, address: str, client: str, started_ns: int, recovery: Recovery, n_members: int
) -> None:
    """Record that a channel took a member in, up to now, and what it replayed for it."""
    recovered, texts = recovery.recovered, recovery.texts
    ids = join(tracer, trace, address, client, started_ns, recovered=recovered, n_members=n_members)
    if texts:
        replay(tracer, trace, ids, address, client, started_ns, len(texts), _links(texts))


class _Carrier(Struct, frozen=True):
    traceparent: str | None = None


def _links(texts: Sequence[bytes]) -> list[TraceContext]:
    """Read the contexts of events, of the newest that may be linked to."""
    carriers = [decode(text, type=_Carrier).traceparent for text in texts[-MOST_LINKS:]]
    contexts = [parse(traceparent) for traceparent in carriers if traceparent is not None]
    return [context for context in contexts if context is not None]

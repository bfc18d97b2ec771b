"""Tracing: a session's part in traces. There is one where telemetry is on, else none, and sessions ask that only.

What the client sends gets its trace here; what the client is sent ends here: a delivery is over when its frames went to
the socket, or when it is known that they never will.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

from msgspec import Raw, Struct
from msgspec.structs import replace

from arqonbus.errors import Refusal
from arqonbus.protocol.envelope import Command, Event
from arqonbus.protocol.payloads import COMMANDS
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.hops import Message, TracedDeliver, about_of
from arqonbus.routing.mail import Deliver, Inbound, Place, Publish
from arqonbus.telemetry import command_spans, spans
from arqonbus.telemetry.sampler import Source
from arqonbus.telemetry.spans import Deliveries, Outcome
from arqonbus.telemetry.tracer import ALWAYS, Opening, Trace, Tracer, Waiting

__all__ = ["NO_TRACING", "Tracing", "Turns"]

M = TypeVar("M", bound=Message)


class Turns(Protocol):
    """What gives turns."""

    @property
    def turn_at(self) -> float:
        """Monotonic seconds of this turn, or a little before."""


class _UnderWay(Struct, frozen=True):
    """One traced message in the outbox."""

    deliveries: Deliveries
    seq: int
    place: Place | None


class _InWork(Struct, frozen=True):
    """The traced command that has no answer yet."""

    trace: Trace
    name: str
    request_id: str | None


class Tracing:
    """Owned by one session, used in its turns.

    Args:
        tracer: of the process.
        card: of the client.
        turns: knows the time of the turn.
    """

    __slots__ = ("_card", "_in_work", "_n_late", "_source", "_tracer", "opening", "turns", "under_way")

    def __init__(self, tracer: Tracer, card: ClientCard, turns: Turns) -> None:
        self._tracer = tracer
        self._card = card
        self.turns = turns
        self._source = Source()
        self._in_work: _InWork | None = None
        self._n_late = 0  # of under_way: those that were not written in the turn in which they came
        self.opening: Opening = tracer.opening
        self.under_way: Sequence[_UnderWay] = []  # in the order of the outbox, and bounded by its bounds

    # --- from the client ----------------------------------------------------------------------------------------

    def begin(self, message: M, size: int, to: Waiting, now: float) -> tuple[M, Trace | None]:
        """Decide on one message. Gives it with the context that it is delivered with, and its trace.

        Args:
            message: as it came.
            size: bytes of its text.
            to: the actor that it goes to.
            now: monotonic seconds.
        """
        trace = self._tracer.begin(message.traceparent, self._source, now, size, to)
        context = trace.traceparent if trace is not None else None
        if context is None:
            return message, trace
        # Here, so that whoever encodes it asks nothing: a sender without a context gets that of its publish span.
        return replace(message, traceparent=Raw(f'"{context}"'.encode("ascii"))), trace

    def publish(self, mail: Inbound, event: Event, to: Waiting, now: float) -> Publish:
        """Make the mail of one event."""
        told, trace = self.begin(event, mail.size, to, now)
        return Publish(self._card, told, trace)

    def refused(self, mail: Inbound, refusal: Refusal, to: Waiting, now: float) -> None:
        """Trace a message that never left: it has one span, with the code."""
        message = mail.envelope
        if isinstance(message, Command):
            return
        trace = self._tracer.begin(message.traceparent, self._source, now, mail.size, to)
        if trace is not None:
            spans.publish(self._tracer, trace, about_of(message, self._card.client), refusal.code)

    def command(self, mail: Inbound, command: Command, to: Waiting, now: float) -> Trace | None:
        """Decide on one command; ``answered`` ends it."""
        trace = self._tracer.begin(command.traceparent, self._source, now, mail.size, to)
        name = command.command if command.command in COMMANDS else "unknown"
        self._in_work = _InWork(trace, name, command.id) if trace is not None else None
        return trace

    def answered(self, address: str = "", result: Struct | Refusal | None = None) -> None:
        """End the command in work, if it is traced; ``address``: what it was about."""
        work, self._in_work = self._in_work, None
        if work is not None:
            code = result.code if isinstance(result, Refusal) else None
            ids = (work.name, self._card.client, work.request_id)
            command_spans.command(self._tracer, work.trace, *ids, address, code)

    def debug(self) -> bool:
        """Trace every message of this client from now on, if there is room for one more; returns whether it is so."""
        if not self._source.is_debug and self._tracer.debugging.enter():
            self._source.is_debug = True
            self.opening = ALWAYS
        return self._source.is_debug

    def close(self) -> None:
        """End it with its session."""
        if self._source.is_debug:
            self._source.is_debug = False
            self._tracer.debugging.leave()

    @property
    def trace(self) -> Trace | None:
        """Of the command in work."""
        return self._in_work.trace if self._in_work is not None else None

    # --- to the client ------------------------------------------------------------------------------------------

    def arrived(self, mail: Deliver) -> None:
        """Note what was put into the outbox."""
        if isinstance(mail, TracedDeliver):
            new = [_UnderWay(deliveries, seq, mail.place) for seq, deliveries in mail.traced]
            self.under_way = [*self.under_way, *new]

    def flushed(self, *, is_empty: bool, is_away: bool) -> None:
        """Note the end of a turn: an outbox that is empty has written all that was under way."""
        if not is_empty:
            self._n_late = len(self.under_way)
            return
        late, timely = self.under_way[: self._n_late], self.under_way[self._n_late :]
        self._end(late, "away" if is_away else "queued")
        self._end(timely, "away" if is_away else "written")
        self.under_way, self._n_late = [], 0

    def dropped(self, place: Place, last: int) -> None:
        """Note that events of a channel will not be written, up to the one with the seq ``last``."""
        lost = [one for one in self.under_way if one.place is place and one.seq <= last]
        self._n_late -= sum([one in lost for one in self.under_way[: self._n_late]])
        self.under_way = [one for one in self.under_way if one not in lost]
        self._end(lost, "dropped")

    def given_up(self) -> None:
        """Note that nothing that is under way will be written: the client is too slow."""
        self._end(self.under_way, "slow")
        self.under_way, self._n_late = [], 0

    def _end(self, over: Sequence[_UnderWay], outcome: Outcome) -> None:
        ended_ns = self._tracer.clock_ns()
        for one in over:
            spans.deliver(self._tracer, one.deliveries, self._card.client, outcome, ended_ns)


class _NoTracing(Tracing):
    """Traces nothing."""

    __slots__ = ()

    def __init__(self) -> None:
        self.under_way = ()

    def begin(self, message: M, size: int, to: Waiting, now: float) -> tuple[M, Trace | None]:
        return message, None

    def refused(self, mail: Inbound, refusal: Refusal, to: Waiting, now: float) -> None:
        pass

    def command(self, mail: Inbound, command: Command, to: Waiting, now: float) -> Trace | None:
        return None

    def answered(self, address: str = "", result: Struct | Refusal | None = None) -> None:
        pass

    def debug(self) -> bool:
        return False

    def close(self) -> None:
        pass

    @property
    def trace(self) -> Trace | None:
        return None

    def arrived(self, mail: Deliver) -> None:
        pass

    def flushed(self, *, is_empty: bool, is_away: bool) -> None:
        pass

    def dropped(self, place: Place, last: int) -> None:
        pass

    def given_up(self) -> None:
        pass


NO_TRACING: Final[Tracing] = _NoTracing()
"""Of sessions without a tracer. Holds no state, so one serves all."""

"""A session's part in traces. Through the actors themselves: tests/flow/test_traces.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from arqonbus.errors import NotFound
from arqonbus.protocol.envelope import Command, Event, trace_parent
from arqonbus.protocol.payloads import Profile
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.hops import TracedDeliver, about_of
from arqonbus.routing.mail import Inbound, Place
from arqonbus.routing.tracing import NO_TRACING, Tracing
from arqonbus.security.gate import Identity
from arqonbus.telemetry.spans import Deliveries
from tests.telemetry.stage import Stage
from tests.telemetry.test_spans import begun

EVENT = Event(room="r", channel="c", id="m")
PLACE = Place("r", "c", "e")


class Here:
    """One session's tracing; ``outcomes`` are those of the deliveries that are over."""

    def __init__(self, **wanted: Any) -> None:
        self.stage = Stage(**wanted)
        ref: Any = SimpleNamespace(depth=3)
        self.ref = ref
        self.tracing = self.another()

    def another(self) -> Tracing:
        card = ClientCard(self.ref, Identity("c-1", None, True), Profile())
        return Tracing(self.stage.tracer, card, SimpleNamespace(turn_at=0.0))

    def arrive(self, seq: int) -> None:
        deliveries = Deliveries(self.stage.tracer, begun(self.stage), about_of(EVENT, "c-0"))
        self.tracing.arrived(TracedDeliver(b"", (b"",), PLACE, seq, ((seq, deliveries),)))

    def outcomes(self) -> list[object]:
        return [span.attributes["arqonbus.deliver.outcome"] for span in self.stage.spans]


def test_a_message_without_a_context_gets_that_of_its_publish_span() -> None:
    here = Here()

    message, trace = here.tracing.begin(EVENT, 10, here.ref, 0.0)

    assert trace is not None
    assert trace_parent(message.traceparent) == trace.traceparent
    assert (trace.depth, trace.size) == (3, 10)


def test_what_is_written_in_its_turn_is_written_and_later_it_was_queued() -> None:
    here = Here()
    here.arrive(1)
    here.tracing.flushed(is_empty=False, is_away=False)
    here.arrive(2)

    here.tracing.flushed(is_empty=True, is_away=False)

    assert here.outcomes() == ["queued", "written"]
    assert list(here.tracing.under_way) == []


def test_of_a_range_that_is_dropped_each_event_is_told() -> None:
    here = Here()
    for seq in (1, 2, 3):
        here.arrive(seq)
    here.tracing.flushed(is_empty=False, is_away=False)

    here.tracing.dropped(PLACE, 2)
    here.tracing.dropped(Place("r", "c", "e"), 3)  # another life of the channel
    here.tracing.flushed(is_empty=True, is_away=False)

    assert here.outcomes() == ["dropped", "dropped", "queued"]


@pytest.mark.parametrize(("end", "outcome"), [("given_up", "slow"), ("away", "away")])
def test_what_is_never_written_says_so(end: str, outcome: str) -> None:
    here = Here()
    here.arrive(1)

    if end == "given_up":
        here.tracing.given_up()
    else:
        here.tracing.flushed(is_empty=True, is_away=True)

    assert here.outcomes() == [outcome]


def test_a_command_is_over_with_its_answer_and_once() -> None:
    here = Here()
    command = Command(command="ping", id="k")
    trace = here.tracing.command(Inbound(command, 10), command, here.ref, 0.0)
    assert here.tracing.trace is trace

    here.tracing.answered("r:c", NotFound("no"))
    here.tracing.answered()

    (span,) = here.stage.spans
    assert (span.name, span.error) == ("command ping", "not_found")


def test_a_command_that_is_refused_at_once_has_no_second_span() -> None:
    here = Here()

    here.tracing.refused(Inbound(Command(command="ping"), 10), NotFound("no"), here.ref, 0.0)

    assert here.stage.spans == []


def test_a_session_without_a_tracer_traces_nothing() -> None:
    here, command = Here(), Command(command="ping")
    mail = Inbound(command, 1)

    assert NO_TRACING.begin(EVENT, 1, here.ref, 0.0) == (EVENT, None)
    assert NO_TRACING.command(mail, command, here.ref, 0.0) is NO_TRACING.trace is None
    NO_TRACING.refused(mail, NotFound("no"), here.ref, 0.0)
    NO_TRACING.answered()
    NO_TRACING.dropped(PLACE, 1)
    NO_TRACING.given_up()
    NO_TRACING.arrived(TracedDeliver(b"", ()))
    assert NO_TRACING.under_way == ()


def test_a_session_that_is_debugged_asks_the_tracer_of_every_message_until_it_ends() -> None:
    here = Here(most_debugged=1)
    other = here.another()

    assert here.tracing.debug() and here.tracing.debug()
    assert not other.debug()
    assert here.tracing.opening.opens_at == float("-inf")
    here.tracing.close()
    here.tracing.close()
    assert other.debug()
    assert not NO_TRACING.debug()
    NO_TRACING.close()

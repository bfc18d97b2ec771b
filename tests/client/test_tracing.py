"""Trace context: one trace from the sender to the handler."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from arqonbus.client import Bus, Message, OpenTelemetry
from tests.client.scripted import ScriptedServer, pause

sdk = pytest.importorskip("opentelemetry.sdk.trace")


class Spans:
    """A tracer provider that keeps what it is given."""

    def __init__(self) -> None:
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self._exporter = InMemorySpanExporter()
        self.provider = sdk.TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = OpenTelemetry(self.provider)

    @property
    def finished(self) -> dict[str, Any]:
        return {span.name: span for span in self._exporter.get_finished_spans()}


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.mark.rules("R53")
async def test_a_publish_makes_a_span_and_sends_its_context(
    server: ScriptedServer, make_bus: Callable[..., Bus], spans: Spans
) -> None:
    bus = await make_bus(tracing=spans.tracing).open()

    await bus.publish("science:explore", 1, ack=True, id="mine")

    frame = await server.frame("event")
    span = spans.finished["send science"]
    context = span.get_span_context()
    assert frame["traceparent"].startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-0")
    assert span.kind.name == "PRODUCER"
    assert dict(span.attributes) == {
        "messaging.system": "arqonbus",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "science:explore",
        "messaging.message.id": "mine",
    }


@pytest.mark.rules("R53", "R54")
async def test_a_handler_runs_in_a_span_that_continues_the_sender_s(
    server: ScriptedServer, make_bus: Callable[..., Bus], spans: Spans
) -> None:
    bus = await make_bus(tracing=spans.tracing).open()
    channel = await bus.subscribe("science:explore").open()

    async def handle(message: Message[Any]) -> None:
        await bus.publish("science:results", "inside")

    running = asyncio.create_task(channel.run(handle))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    server.socket.event(1, traceparent=parent, tracestate="v=1")
    inside = await server.frame("event")
    channel.close()
    await running

    span = spans.finished["process science"]
    assert span.kind.name == "CONSUMER"
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert [f"{link.context.span_id:016x}" for link in span.links] == ["b7ad6b7169203331"]
    assert inside["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert inside["tracestate"] == "v=1"


@pytest.mark.rules("R54")
async def test_a_message_without_a_context_begins_a_trace(
    server: ScriptedServer, make_bus: Callable[..., Bus], spans: Spans
) -> None:
    bus = await make_bus(tracing=spans.tracing).open()
    channel = await bus.subscribe("science:explore").open()

    async def handle(message: Message[Any]) -> None: ...

    running = asyncio.create_task(channel.run(handle))
    server.socket.event(1)
    server.socket.event(2, traceparent="no such thing")
    await pause()
    channel.close()
    await running

    span = spans.finished["process science"]
    assert span.parent is None and span.links == ()


@pytest.mark.rules("R54")
async def test_a_bare_loop_makes_no_span_but_the_message_can(
    server: ScriptedServer, make_bus: Callable[..., Bus], spans: Spans
) -> None:
    bus = await make_bus(tracing=spans.tracing).open()
    async with bus.subscribe("science:explore") as channel:
        server.socket.event(1, traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        message = await anext(channel)
        assert spans.finished == {}

        with bus.span(message):
            pass

    assert "process science" in spans.finished


@pytest.mark.rules("R53")
async def test_a_request_carries_the_context_too(
    server: ScriptedServer, make_bus: Callable[..., Bus], spans: Spans
) -> None:
    bus = await make_bus(tracing=spans.tracing).open()
    asking = asyncio.create_task(bus.request("math:add"))
    question = await server.frame("event")
    server.socket.say(type="private", id="r", reply_to=question["id"], payload=1)
    await asking

    assert question["traceparent"].startswith("00-")


@pytest.mark.rules("R55")
async def test_a_context_that_is_given_is_sent_as_it_is(server: ScriptedServer, bus: Bus) -> None:
    await bus.publish("science:explore", traceparent="tp", tracestate="ts")
    await bus.publish("science:explore")

    given, bare = await server.frame("event"), await server.frame("event")
    assert (given["traceparent"], given["tracestate"]) == ("tp", "ts")
    assert "traceparent" not in bare


@pytest.mark.rules("R55")
def test_nothing_of_opentelemetry_is_imported_before_somebody_wants_it() -> None:
    code = "import sys, arqonbus.client, arqonbus.client.sync; print([n for n in sys.modules if 'opentelemetry' in n])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


async def test_tracing_may_be_asked_for_by_a_word(make_bus: Callable[..., Bus]) -> None:
    bus = await make_bus(tracing=True).open()

    await bus.publish("science:explore")

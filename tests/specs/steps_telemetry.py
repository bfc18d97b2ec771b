"""Steps about telemetry: collectors that work and collectors that do not, and what came to them."""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from arqonbus.telemetry.metrics import METRICS
from arqonbus.telemetry.span_table import ATTRIBUTES, BROADCAST, EVENT, PRIVATE, SPANS
from tests.specs.spec_loader import ROOT
from tests.specs.step_registry import step
from tests.specs.world import World
from tests.telemetry.receivers import Taken, attributes_of, black_hole, grpc_receiver, hang, http_receiver, nobody

_LIMIT_S = 10.0
_RECEIVERS: dict[str, Callable[..., AbstractContextManager[Taken]]] = {
    "http/protobuf": http_receiver,
    "grpc": grpc_receiver,
}


@step("a collector that {string}")
async def a_collector(world: World, kind: str) -> None:
    """Listen, or not."""
    protocol = next((name for name in _RECEIVERS if name in kind), "http/protobuf")
    world.facts["protocol"] = protocol
    world.facts["collector"] = world.stack.enter_context(_collector(kind, protocol))


def _collector(kind: str, protocol: str) -> AbstractContextManager[Taken]:
    receiver = _RECEIVERS[protocol]
    status = re.search(r"with (\d+)", kind)
    if status is not None:
        return receiver(lambda: int(status[1]))
    if kind.startswith("works"):
        return receiver()
    if "never answers" in kind:
        return receiver(hang)
    return nobody() if kind == "is not there" else black_hole()


@step("a bus that exports to it every {float} s")
async def a_bus_that_exports(world: World, interval_s: float) -> None:
    """Start a bus with the collector in its settings."""
    settings = [
        f'telemetry.endpoint = "{_taken(world).url}"',
        f'telemetry.protocol = "{world.facts["protocol"]}"',
        f"telemetry.interval_s = {interval_s}",
        "telemetry.timeout_s = 1.0",
    ]
    await world.start_bus(settings, variables=world.facts.get("environment", {}))


@step("a bus that exports to it, with settings:")
async def a_bus_that_exports_with(world: World, table: list[list[str]]) -> None:
    """Start a bus with the collector in its environment."""
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": _taken(world).url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": str(world.facts["protocol"]),
        **world.facts.get("environment", {}),
    }
    await world.start_bus([f"{key} = {value}" for key, value in table], variables=variables)


@step("node(s) {clients} that export to it")
async def nodes_that_export(world: World, names: list[str]) -> None:
    """Start nodes over a Redis of their own, with the collector in their settings."""
    cluster = world.own_cluster()
    await cluster.start_redis()
    await cluster.start(names, [f'telemetry.endpoint = "{_taken(world).url}"'])


@step("a bus whose environment names the collector, and whose settings name another")
async def a_bus_with_two_collectors(world: World) -> None:
    """Start a bus that could export to nobody."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": _taken(world).url, **world.facts.get("environment", {})}
    await world.start_bus(['telemetry.endpoint = "http://127.0.0.1:9"'], variables=variables)


@step("the collector works again")
async def works_again(world: World) -> None:
    """Take what comes from now on."""
    _taken(world).behave = lambda: 200


@step("the collector gets {string} with {int} soon")
async def collector_gets_number(world: World, name: str, number: int) -> None:
    """The newest export has the metric with the number."""
    await _wait_for(world, lambda taken: _number(taken, name) == number)


@step("the collector gets a {string} soon")
async def collector_gets_histogram(world: World, name: str) -> None:
    """The newest export has the histogram, and something in it."""

    def has_counted(taken: Taken) -> bool:
        metric = taken.latest.get(name)
        return metric is not None and any(point.count for point in metric.histogram.data_points)

    await _wait_for(world, has_counted)


@step("what the collector gets comes from the service {string}")
async def comes_from(world: World, service: str) -> None:
    """The resource names the service and the node, and no metric has a label without bound."""
    taken = _taken(world)
    assert taken.resource["service.name"] == service
    assert taken.resource["service.instance.id"].startswith("node-")
    labels = {row.name: {row.label} - {""} for row in METRICS}
    for name, metric in taken.latest.items():
        for point in getattr(metric, metric.WhichOneof("data")).data_points:
            assert set(attributes_of(point)) == labels[name], name


@step("the log says {string} for {string} {int} time(s)")
async def log_says_times(world: World, event: str, signal: str, times: int) -> None:
    """So many lines of the log are about that event of that signal; a while is waited for more."""
    await asyncio.sleep(1.0)
    lines = [line for line in _lines(world) if line["event"] == event and line.get("signal") == signal]
    assert len(lines) == times, f"expected {times}, came {lines}"


@step("the bus ended its telemetry within {float} s")
async def ended_within(world: World, limit_s: float) -> None:
    """From the line that says that the actors have stopped to the last one."""
    lines = _lines(world)
    (stopped,) = [line for line in lines if line["event"] == "server_stopped"]
    took_s = (datetime.fromisoformat(lines[-1]["ts"]) - datetime.fromisoformat(stopped["ts"])).total_seconds()
    assert took_s <= limit_s, f"it took {took_s} s{world.bus.story()}"


@step("the collector gets the documented tree of {string} with {int} deliveries soon")
async def gets_tree(world: World, template: str, n_deliveries: int) -> None:
    """Names, kinds, parents and attributes of the one trace are those of the table."""
    (kind,) = [one for one in (EVENT, BROADCAST, PRIVATE) if one.template == template]
    rows = [row for row in (kind.publish, kind.route, kind.fanout, kind.deliver) if row is not None]
    names = {row.name: row for row in rows}

    def found(taken: Taken) -> list[Any]:
        return [span for span in taken.spans if span.name in names]

    await _wait_for(world, lambda taken: len(found(taken)) == len(rows) - 1 + n_deliveries)
    spans = found(_taken(world))
    ids = {span.name: span.span_id for span in spans}
    assert {span.trace_id for span in spans} == {spans[0].trace_id}
    assert [span.name for span in spans].count(kind.deliver.name) == n_deliveries
    for span in spans:
        row, attributes = names[span.name], set(attributes_of(span))
        assert Span.SpanKind.Name(span.kind) == f"SPAN_KIND_{row.kind}"
        assert set(row.always) | {"messaging.system"} <= attributes <= {*row.always, *row.sometimes, "messaging.system"}
        if row is not kind.publish:
            assert span.parent_span_id == ids[row.parent], span.name
    (world.facts["publish"],) = [span for span in spans if span.name == kind.publish.name]


@step("client {string} receives a/an {string} whose trace context is that of the publish span")
async def receives_context(world: World, name: str, kind: str) -> None:
    """In the form of W3C Trace Context, sampled."""
    message, text = await world.inbox(name).take(kind)
    publish = world.facts["publish"]
    assert message["traceparent"] == f"00-{publish.trace_id.hex()}-{publish.span_id.hex()}-01", text


@step("client {string} receives a/an {string} without a trace context")
async def receives_no_context(world: World, name: str, kind: str) -> None:
    """The field is not there."""
    message, text = await world.inbox(name).take(kind)
    assert "traceparent" not in message, text


@step("the collector gets {int} spans {string} under one {string} soon")
async def gets_spans_under(world: World, n_spans: int, name: str, above: str) -> None:
    """Some span has exactly so many children of that name."""

    def has_one(taken: Taken) -> bool:
        parents = [span.parent_span_id for span in taken.spans if span.name == name]
        return any(span.name == above and parents.count(span.span_id) == n_spans for span in taken.spans)

    await _wait_for(world, has_one)


@step("the collector gets one trace of an event over the nodes {string} and {string} soon")
async def gets_trace_over_nodes(world: World, near: str, far: str) -> None:
    """The spans of the node that it was published on, and those of the other one under its publish span."""

    def spans_of(taken: Taken, node: str) -> dict[str, Span]:
        requests = [one for request in list(taken.traces) for one in request.resource_spans]
        mine = [one for one in requests if attributes_of(one.resource)["service.instance.id"] == node]
        spans = [span for one in mine for scope in one.scope_spans for span in scope.spans]
        found = {span.name.split(" ")[0]: span for span in spans}
        return {name: span for name, span in found.items() if name in {*hops, "deliver"}}

    hops = {"publish", "relay", "route", "fanout"}
    await _wait_for(world, lambda taken: hops <= set(spans_of(taken, near)) and "deliver" in spans_of(taken, far))
    here, there = spans_of(_taken(world), near), spans_of(_taken(world), far)
    assert {span.trace_id for span in (*here.values(), *there.values())} == {here["publish"].trace_id}
    assert here["relay"].parent_span_id == there["relay"].parent_span_id == here["publish"].span_id
    above = there["relay"]
    for name in ("route", "fanout", "deliver"):
        assert there[name].parent_span_id == above.span_id, name
        above = there[name]


@step("the publish span is under the span {string} of the trace {string}")
async def is_under(world: World, span_id: str, trace_id: str) -> None:
    """As the sender said."""
    publish = world.facts["publish"]
    assert (publish.parent_span_id.hex(), publish.trace_id.hex()) == (span_id, trace_id)


@step("the collector got no span")
async def got_no_span(world: World) -> None:
    """Nothing of the whole scenario was traced."""
    assert _taken(world).spans == []


@step("the table of spans")
async def the_table_of_spans(world: World) -> None:
    """Names and attributes of every row."""
    world.facts["names"] = [*(row.name for row in SPANS), *ATTRIBUTES]


@step("each of its names and attributes stands in {string}")
async def stands_in(world: World, path: str) -> None:
    """As code, in a row of a table."""
    text = (ROOT / path).read_text("utf-8")
    assert [name for name in world.facts["names"] if f"`{name}`" not in text] == []


def _taken(world: World) -> Taken:
    taken: Taken = world.facts["collector"]
    return taken


def _number(taken: Taken, name: str) -> int | None:
    metric = taken.latest.get(name)
    return metric.sum.data_points[0].as_int if metric is not None else None


async def _wait_for(world: World, condition: Callable[[Taken], bool]) -> None:
    try:
        await asyncio.to_thread(_taken(world).wait_for, condition, _LIMIT_S)
    except AssertionError as error:
        raise AssertionError(f"{error}{world.bus.story()}") from None


def _lines(world: World) -> list[dict[str, Any]]:
    return [json.loads(line) for line in world.bus.errors.read_text("utf-8").splitlines()]

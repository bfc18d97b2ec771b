"""The table of metrics: the code, its tests, the dashboards and docs/TELEMETRY.md read it. Pure data.

The hot path moves plain integers; gauges are read when somebody collects; histograms see the traced messages only, at
most ``telemetry.traces_per_s`` of them, so timing costs nothing under load and is a fair sample in time. No metric has
a label for rooms, channels or clients: their number has no bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct

__all__ = [
    "COUNT_BOUNDS",
    "METRICS",
    "SECOND_BOUNDS",
    "Metric",
    "Number",
    "Reading",
    "metric",
    "prometheus_name",
]

Number: TypeAlias = int | float

Reading: TypeAlias = Mapping[str, Number | Mapping[str, Number]]
"""Metric name -> its value, or label value -> value. One that nobody measures here is not in it."""

SECOND_BOUNDS: Final = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5,
)  # fmt: skip
"""Seconds: 50 us to 2.5 s. The hops of a bus take microseconds; what OpenTelemetry advises begins at 5 ms."""

COUNT_BOUNDS: Final = (0, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
"""Members told of one message."""


class Metric(Struct, frozen=True):
    """One metric."""

    name: str
    """As OpenTelemetry has it."""
    kind: Literal["counter", "updown", "gauge", "histogram"]
    unit: str
    """UCUM; in braces: what is counted."""
    description: str
    label: str = ""
    """The one attribute that it has; empty: none."""
    values: str = ""
    """In words: which values the attribute has."""
    bounds: tuple[float, ...] = ()
    """Of a histogram."""


def _counter(name: str, unit: str, description: str, label: str = "", values: str = "") -> Metric:
    return Metric(f"arqonbus.{name}", "counter", unit, description, label, values)


def _updown(name: str, unit: str, description: str, label: str = "", values: str = "") -> Metric:
    return Metric(f"arqonbus.{name}", "updown", unit, description, label, values)


def _seconds(name: str, description: str, label: str = "", values: str = "") -> Metric:
    return Metric(f"arqonbus.{name}", "histogram", "s", description, label, values, SECOND_BOUNDS)


_REASONS: Final = (
    "`half_open`, `half_open_per_ip`, `connections`, `handshakes`, `tls_failures`, `handshake_timeouts`, "
    "`control_floods`, `protocol_errors`, `no_pong`, `close_timeouts`"
)
_MESSAGES: Final = "`event`, `broadcast`, `private`"

METRICS: Final[tuple[Metric, ...]] = (
    _updown("connections", "{connection}", "open WebSocket connections"),
    _counter("connections.opened", "{connection}", "connections that became WebSockets"),
    _counter("connections.refused", "{connection}", "connections refused or cut", "reason", _REASONS),
    _updown("clients", "{client}", "clients that are let in", "state", "`there`, `away` (may come back)"),
    _updown("rooms", "{room}", "rooms that live"),
    _updown("channels", "{channel}", "channels that live"),
    _updown("members", "{client}", "clients in a room, each counted once for each room"),
    _counter("messages.received", "{message}", "events, private messages and broadcasts accepted from clients"),
    _counter("messages.delivered", "{message}", "deliveries of these to clients"),
    _counter("messages.duplicates", "{message}", "events that came again within the dedupe window"),
    _counter("messages.dropped", "{message}", "deliveries dropped", "reason", "`slow_consumer`, `overflow`, `group`"),
    _counter("messages.invalid", "{message}", "messages that were no envelope"),
    _counter("errors", "{error}", "refusals told to clients", "code", "the codes of docs/PROTOCOL.md"),
    _counter("io", "By", "bytes of frames", "direction", "`in`, `out`"),
    _counter("slow_consumers", "{connection}", "connections closed with 4100"),
    _updown("outbox.blocked", "{connection}", "connections whose socket takes no more for now"),
    _updown("outbox.size", "By", "bytes that wait for such sockets, at the last look"),
    _updown("mailbox.depth", "{mail}", "mails that wait", "actor.type", "`channel`, `room`, `registry`"),
    _counter("actor.turns", "{turn}", "turns of actors"),
    _updown("actor.ready", "{actor}", "actors that wait for their turn"),
    _updown("actors", "{actor}", "actors that live"),
    _counter("actor.dead_letters", "{mail}", "mails whose receiver was gone"),
    _counter("actor.failures", "{failure}", "handlers that raised"),
    _counter("actor.restarts", "{restart}", "actors built anew after a failure"),
    _updown("history.size", "By", "bytes of events that are kept"),
    Metric("arqonbus.storage.up", "gauge", "", "1: the store works; 0: degraded", "backend", "`memory`, `redis`"),
    _updown("storage.held", "{event}", "events that wait for the answer of the shared store"),
    _counter("storage.refused", "{event}", "events it did not take", "outcome", "`rejected`, `unsure` (no answer)"),
    _counter("storage.troubles", "{trouble}", "troubles with it", "kind", "the names of log lines, as `redis_lost`"),
    Metric("arqonbus.uptime", "gauge", "s", "time since the start"),
    _counter("log.lines", "{line}", "log lines", "result", "`written`, `dropped`, `suppressed`, `failed`"),
    _counter("telemetry.spans", "{span}", "spans", "result", "`exported`, `failed`, `dropped`"),
    _counter("telemetry.exports", "{export}", "exports of metrics", "result", "`exported`, `failed`"),
    _counter("telemetry.sampling", "{message}", "traces begun or refused", "decision", "`sampled`, `throttled`"),
    _counter("telemetry.activity", "{event}", "activity events", "result", "`sent`, `dropped`"),
    Metric("process.cpu.time", "counter", "s", "CPU time of the process", "cpu.mode", "`user`, `system`"),
    Metric("process.memory.usage", "updown", "By", "resident memory of the process"),
    _seconds("loop.lag", "how late a timer of the event loop fires"),
    _seconds("publish.duration", "from the socket to stored and told to all members", "message.type", _MESSAGES),
    _seconds("deliver.duration", "from the sender's socket to a receiver's socket, inside this node"),
    _seconds("command.duration", "from the socket to the answer"),
    _seconds("mailbox.wait", "that mail waits for its actor", "actor.type", "`channel`, `room`, `registry`"),
    Metric("arqonbus.fanout.members", "histogram", "{client}", "members told of one message", bounds=COUNT_BOUNDS),
)  # fmt: skip
"""All metrics, in the order of the documentation."""

_BY_NAME: Final = {row.name: row for row in METRICS}
_PROMETHEUS_UNITS: Final = {"s": "_seconds", "By": "_bytes"}


def metric(name: str) -> Metric:
    """Give the row of a name; another name is a KeyError."""
    return _BY_NAME[name]


def prometheus_name(row: Metric) -> str:
    """Give the name under which Prometheus knows it, by its OTLP receiver and by ``/metrics`` alike.

    Of a histogram the name that ``_bucket``, ``_sum`` and ``_count`` are put behind.
    """
    name = row.name.replace(".", "_") + _PROMETHEUS_UNITS.get(row.unit, "")
    return f"{name}_total" if row.kind == "counter" else name

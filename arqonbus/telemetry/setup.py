"""Setup: starts and ends the export of traces and metrics. The one door to the OpenTelemetry SDK.

Nothing of the SDK is imported before ``start`` is called with a plan that exports something: it costs 0.4 s and 15 to
30 MB. Whatever a collector does, or does not do, the bus goes on: exports run in daemon threads, with bounded queues.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from random import getrandbits
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from arqonbus.telemetry.environment import Plan, Signal
from arqonbus.telemetry.export_state import ExportState, LastWords
from arqonbus.telemetry.logs import get_log
from arqonbus.telemetry.meters import Series
from arqonbus.telemetry.metrics import Reading
from arqonbus.telemetry.recorder import Recorder
from arqonbus.telemetry.sampler import RateLimited, Sampler, named
from arqonbus.telemetry.tracer import Record

if TYPE_CHECKING:
    from arqonbus.telemetry.sdk_spans import CachedResource

__all__ = ["CLOSE_TIMEOUT_S", "Node", "Pipeline", "start", "start_sampler"]

CLOSE_TIMEOUT_S: Final = 3.0
"""Seconds that the end waits for the last export. The SDK's own shutdown takes 30 when nobody answers."""

QUEUE: Final = 2048
"""Spans that may wait, unless OTEL_BSP_MAX_QUEUE_SIZE says otherwise; 0.1 to 0.5 KB each."""

DELAY_MS: Final = 500
"""Between two exports of spans, unless OTEL_BSP_SCHEDULE_DELAY says otherwise."""

_QUIET: Final = ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal", "opentelemetry.sdk.metrics._internal")
"""Loggers that say the same for every batch that fails; ``ExportState`` says it once."""

_log = get_log("telemetry")


class Node(Struct, frozen=True):
    """Who exports, and what."""

    name: str
    version: str
    read: Callable[[], Reading]
    """Gives the numbers; called in a thread."""
    series: Callable[[], Iterable[Series]]
    """Gives the histograms; called in a thread."""


class Pipeline:
    """What runs. Made by ``start``, ended by ``close``."""

    def __init__(self, words: LastWords) -> None:
        """Nothing runs yet."""
        self.record: Record | None = None
        """Where finished spans go; None: nowhere."""
        self.on_break: Callable[[float], None] = _ignore
        """Is told, by an exporter's thread, until when (monotonic seconds) spans are recorded in vain."""
        self.spans = ExportState("traces", _log, time.monotonic, words, lambda until: self.on_break(until))
        self.metrics = ExportState("metrics", _log, time.monotonic, words)
        self.recorder: Recorder | None = None
        self._ends: list[Callable[[], object]] = []
        self._hushed = _Hush(words)
        self._closed = False

    @property
    def reading(self) -> Reading:
        """How the export itself goes."""
        n_dropped = self.recorder.n_dropped if self.recorder is not None else 0
        spans, metrics = self.spans, self.metrics
        return {
            "arqonbus.telemetry.spans": {
                "exported": spans.n_exported,
                "failed": spans.n_failed,
                "dropped": n_dropped,
            },
            "arqonbus.telemetry.exports": {"exported": metrics.n_exported, "failed": metrics.n_failed},
        }

    def also_end(self, end: Callable[[], object]) -> None:
        """Have something ended with it; it may block for as long as it likes."""
        self._ends.append(end)

    async def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """Export what waits, within the time; what is left then is given up. Idempotent.

        Returns:
            Whether all ended in time.
        """
        if self._closed:
            return True
        self._closed = True
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        n_left = len(self._ends)

        def note() -> None:
            nonlocal n_left
            n_left -= 1
            if n_left <= 0:
                ended.set()

        for end in self._ends:
            # Daemon threads: whatever they still do, the process may end. A pool of asyncio's would be waited for.
            threading.Thread(target=_run, args=(end, loop, note), name="arqonbus-telemetry-end", daemon=True).start()
        try:
            async with asyncio.timeout(timeout_s):
                if self._ends:
                    await ended.wait()
        except TimeoutError:
            _log.warning("telemetry_given_up", after_s=timeout_s)
            return False  # still hushed: the threads that were given up may have more to say
        self._hushed.end()
        return True


def start(plan: Plan, node: Node) -> Pipeline | None:
    """Set the export up; None when the plan exports nothing, and then nothing is imported either.

    A part that cannot be set up is logged and left out: telemetry never keeps the bus from starting.
    """
    for problem in plan.ignored:
        _log.warning("telemetry_setting_ignored", error=problem)
    if plan.is_empty:
        return None
    from arqonbus.telemetry.sdk_spans import resource_of

    words = LastWords()
    pipeline = Pipeline(words)
    resource = resource_of(node.name, node.version, os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    if plan.traces.exporter != "none":
        _begin("traces", plan.traces, lambda: _begin_traces(pipeline, plan.traces, resource, node))
    if plan.metrics.exporter != "none":
        _begin("metrics", plan.metrics, lambda: _begin_metrics(pipeline, plan, resource, node))
    return pipeline


def start_sampler(plan: Plan, traces_per_s: float) -> Sampler:
    """Make the sampler that the plan names: ours, one of OpenTelemetry's, or one that a package offers.

    Args:
        plan: says which.
        traces_per_s: of our own sampler, where no argument says otherwise.
    """
    try:
        sampler = named(plan.sampler, plan.sampler_argument, traces_per_s)
        if sampler is None:
            from arqonbus.telemetry.sdk_sampler import load

            sampler = load(plan.sampler, plan.sampler_argument)
    except Exception as error:  # noqa: BLE001 - a wrong argument, or whatever a foreign package raises
        _log.warning("telemetry_setting_ignored", key="OTEL_TRACES_SAMPLER", error=error)
        return RateLimited(traces_per_s)
    return sampler


def _begin(kind: str, signal: Signal, begin: Callable[[], None]) -> None:
    try:
        begin()
    except Exception as error:  # noqa: BLE001 - the SDK reads variables and files of its own, and may not like them
        _log.error("telemetry_not_started", signal=kind, error=error)
    else:
        _log.info("telemetry_started", signal=kind, **_described(kind, signal))


def _begin_traces(pipeline: Pipeline, signal: Signal, resource: CachedResource, node: Node) -> None:
    from arqonbus.telemetry.exporters import WatchedSpans, span_exporter
    from arqonbus.telemetry.sdk_spans import export_by

    export = export_by(span_exporter(signal), resource, node.version)
    most = _number("OTEL_BSP_MAX_QUEUE_SIZE", QUEUE)
    pipeline.recorder = Recorder(
        WatchedSpans(export, pipeline.spans),
        lambda: getrandbits(64) or 1,
        lambda error: _log.error("telemetry_export_raised", signal="traces", error=error),
        most=most,
        batch=min(most, _number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", export.batch)),
        delay_s=_number("OTEL_BSP_SCHEDULE_DELAY", DELAY_MS) / 1000,
    )
    pipeline.record = pipeline.recorder.record
    pipeline.also_end(pipeline.recorder.close)


def _begin_metrics(pipeline: Pipeline, plan: Plan, resource: CachedResource, node: Node) -> None:
    from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider

    from arqonbus.telemetry.exporters import WatchedMetrics, metric_exporter
    from arqonbus.telemetry.reader import Reader, register

    exporter = WatchedMetrics(metric_exporter(plan.metrics), pipeline.metrics)
    reader = Reader(exporter, plan.interval_ms, node.series)
    provider = MeterProvider([reader], resource, shutdown_on_exit=False, exemplar_filter=AlwaysOffExemplarFilter())
    register(provider.get_meter("arqonbus", node.version), node.read)
    pipeline.also_end(provider.shutdown)


def _number(name: str, default: int) -> int:
    """Read a whole number of the environment; one that is none is logged and left out, as everywhere here."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    _log.warning("telemetry_setting_ignored", error=f"{name}: expected a whole number above 0, got {text[:60]!a}")
    return default


def _described(kind: str, signal: Signal) -> dict[str, object]:
    if signal.exporter == "console":
        return {"exporter": "console"}
    name = f"OTEL_EXPORTER_OTLP_{kind.upper()}_ENDPOINT"
    found = signal.endpoint or os.environ.get(name) or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or "default"
    return {"exporter": "otlp", "protocol": signal.protocol, "endpoint": _without_secrets(found)}


def _without_secrets(url: str) -> str:
    """Leave out who logs in where: an endpoint may hold a password."""
    scheme, found, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if found else url


def _run(end: Callable[[], object], loop: asyncio.AbstractEventLoop, note: Callable[[], None]) -> None:
    try:
        end()
    finally:
        try:
            loop.call_soon_threadsafe(note)
        except RuntimeError:
            return  # the loop has not waited, and is closed


def _ignore(until: float) -> None:
    """Nobody wants to know."""


class _Hush:
    """Keeps the SDK's log lines about exports away from our log; ``ExportState`` tells what matters of them."""

    def __init__(self, words: LastWords) -> None:
        self._words = words
        self._loggers = [logging.getLogger(name) for name in _QUIET]
        self._before = [logger.propagate for logger in self._loggers]
        for logger in self._loggers:
            logger.propagate = False
            logger.addHandler(words)

    def end(self) -> None:
        for logger, propagate in zip(self._loggers, self._before, strict=True):
            logger.propagate = propagate
            logger.removeHandler(self._words)

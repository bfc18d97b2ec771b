"""python -m tests.bench.telemetry: what telemetry costs, measured, beside the bar for each figure.

The bus' own functions, the real SDK and exporter, and a receiver in a process of its own. Times are CPU times of the
thread or process that pays; ``--rounds`` takes the best of several. On a busy machine CPU times grow, too, so the same
spans are made by the SDK's own tracer beside them, for whoever reads the figures. The bars stay what they are.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import UNSET, Raw

from arqonbus.actor.testing import ManualDispatcher
from arqonbus.config.settings import Settings, Telemetry
from arqonbus.protocol.codec import decode
from arqonbus.routing.mail import Inbound
from arqonbus.routing.socket import NO_SOCKET, Hello
from arqonbus.server.assembly import Bus
from arqonbus.server.observation import resident_bytes
from arqonbus.telemetry.environment import Protocol, Wishes, plan
from arqonbus.telemetry.meters import Meters
from arqonbus.telemetry.sampler import AlwaysOn, RateLimited, Source
from arqonbus.telemetry.setup import Node, Pipeline, start
from arqonbus.telemetry.span_attributes import About, sent_attributes
from arqonbus.telemetry.span_table import EVENT
from arqonbus.telemetry.spans import Deliveries, deliver, fanout, publish, route
from arqonbus.telemetry.tracer import Trace, Tracer

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = 10
SPANS_A_MESSAGE = 3 + MEMBERS
MESSAGES_A_SECOND = 50
NOT_SAMPLED = Raw(msgspec.json.encode(f"00-{'a' * 32}-{'b' * 16}-00"))
ABOUT = About(EVENT, "science:explore", "c-2apwoUsrJefGhhq-", "m-1")
EVENT_TEXT = b'{"type":"event","room":"science","channel":"explore","payload":"' + b"x" * 128 + b'"}'
ACTOR = ("channel", "science/explore")
QUIET_TICK, BUSY_TICK = "p99 of a 1 ms timer, no spans", "p99 of a 1 ms timer"
TICKS_LOST_MS = 5.0
CLIENTS = [f"c-{number:016d}" for number in range(MEMBERS)]


class Figure(msgspec.Struct, frozen=True):
    """One measured figure beside its bar."""

    name: str
    value: float
    unit: str
    bar: float | None
    """At most; None: for information."""

    @property
    def is_reached(self) -> bool:
        """Whether it holds."""
        return self.bar is None or self.value <= self.bar


def message(tracer: Tracer, trace: Trace) -> None:
    """Record the whole tree of one event to ten members, as the actors do."""
    started_ns = tracer.clock_ns()
    route_id = route(tracer, trace, ABOUT, ACTOR, started_ns, tracer.clock_ns(), 42)
    deliveries = Deliveries(tracer, trace, ABOUT)
    fanout(tracer, deliveries, ACTOR, route_id, MEMBERS, 0, started_ns, tracer.clock_ns())
    publish(tracer, trace, ABOUT)
    for client in CLIENTS:
        deliver(tracer, deliveries, client, "written", tracer.clock_ns())


def us_a_call(call: Callable[[], object], n_calls: int) -> float:
    """CPU microseconds of one call, the loop around it taken off."""
    nothing: Callable[[], object] = lambda: None  # noqa: E731 - as long as what is measured
    times = []
    for what in (nothing, call):
        began = time.thread_time_ns()
        for _ in range(n_calls):
            what()
        times.append(time.thread_time_ns() - began)
    return (times[1] - times[0]) / n_calls / 1000


def decisions(n_calls: int = 200_000) -> Iterator[Figure]:
    """What a message costs that is not traced."""
    now = time.monotonic()
    tracer, source = Tracer(RateLimited(50), Meters(), lambda span: None), Source()
    while tracer.begin(UNSET, source, now) is not None:
        pass  # until the bucket is empty, as it is under load
    yield Figure(
        "decision, no traceparent, not sampled", us_a_call(lambda: tracer.begin(UNSET, source, now), n_calls), "us", 0.5
    )
    field = us_a_call(lambda: tracer.begin(NOT_SAMPLED, source, now), n_calls)
    yield Figure("decision, traceparent not sampled", field, "us", 0.5)
    tracer.pause(now + 60)
    yield Figure("decision, collector is gone", us_a_call(lambda: tracer.begin(UNSET, source, now), n_calls), "us", 0.5)


class PublishPath:
    """The path of a publish through the real actors to one member, without sockets and without a loop."""

    def __init__(self, tracer: Tracer | None) -> None:
        """Open a publisher and a member."""
        self._manual = ManualDispatcher()
        settings = Settings(telemetry=Telemetry(activity=False))
        self._bus = Bus(settings, self._manual.dispatcher, lambda: "2026-11-21T19:00:00.123Z", tracer=tracer)
        self._publisher, member = (self._bus.open_session(NO_SOCKET, Hello("192.0.2.1")) for _ in range(2))
        self._run()
        for session, text in (
            (member, b'{"type":"command","command":"join_channel","args":{"room":"science:explore"}}'),
            (self._publisher, EVENT_TEXT),
        ):
            session.tell(Inbound(decode(text), len(text)))
            self._run()

    def _run(self) -> None:
        self._manual.run_until_idle()

    def us(self, n: int) -> float:
        """CPU time of one publish with its delivery, microseconds."""
        began = time.thread_time()
        for _ in range(n):
            self._publisher.tell(Inbound(decode(EVENT_TEXT), len(EVENT_TEXT)))
            self._manual.run_until_idle()
        return (time.thread_time() - began) * 1e6 / n


def publish_path(n_calls: int, rounds: int = 30) -> Iterator[Figure]:
    """What a message that is not traced costs beside one without telemetry; measured by turns, best of each."""
    off = PublishPath(None)
    on = PublishPath(Tracer(RateLimited(0.0), Meters(), lambda _: None))
    times = [(off.us(n_calls), on.us(n_calls)) for _ in range(rounds)]
    best_off, best_on = min(one for one, _ in times), min(one for _, one in times)
    yield Figure("publish and delivery, telemetry off", best_off, "us", None)
    yield Figure("the same, telemetry on, not sampled: more", best_on - best_off, "us", 0.5)
    yield Figure("the same, of off", best_on / best_off, "of it", 1.03)


def started(url: str, protocol: Protocol) -> tuple[Pipeline, Tracer]:
    """Set the export up as the server does."""
    meters = Meters()
    pipeline = start(plan({}, Wishes(url, protocol)), Node("bench", "0", lambda: {"arqonbus.rooms": 1}, meters.series))
    assert pipeline is not None and pipeline.record is not None
    return pipeline, Tracer(AlwaysOn(), meters, pipeline.record)


Work = Callable[[float], None]
"""Makes the spans of one message; is given the time."""


def of_ours(tracer: Tracer) -> Work:
    """Begin a trace and record the tree of a message."""
    source = Source()

    def work(now: float) -> None:
        trace = tracer.begin(UNSET, source, now)
        assert trace is not None
        message(tracer, trace)

    return work


def of_the_sdk(url: str) -> tuple[Work, Callable[[], None]]:
    """Make as many spans with as many attributes by the SDK's own tracer; and what ends it."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces"), schedule_delay_millis=500))
    tracer = provider.get_tracer("yardstick")

    def work(now: float) -> None:
        for client in CLIENTS[:1] * 3 + CLIENTS:
            attributes = sent_attributes(ABOUT, "deliver", client)
            attributes["arqonbus.mailbox.wait_us"] = 12
            attributes["arqonbus.deliver.outcome"] = "written"
            tracer.start_span("deliver {room}:{channel}", attributes=attributes).end()

    return work, provider.shutdown


async def paced(seconds: float, work: Work | None) -> tuple[float, float]:
    """Do the work for so many messages a second, evenly; None: nothing, for what the pacing itself costs.

    Returns:
        CPU us of the loop's thread for one span, CPU seconds of the process for one second.
    """
    interval_s = 1 / MESSAGES_A_SECOND
    n_messages, spent_ns = 0, 0
    began, cpu = time.monotonic(), time.process_time()
    while (now := time.monotonic()) - began < seconds:
        if work is not None:
            before = time.thread_time_ns()
            work(now)
            spent_ns += time.thread_time_ns() - before
        n_messages += 1
        await asyncio.sleep(max(0.0, began + n_messages * interval_s - time.monotonic()))
    took_s = time.monotonic() - began
    return spent_ns / 1000 / (n_messages * SPANS_A_MESSAGE), (time.process_time() - cpu) / took_s


async def late_ms(seconds: float, work: Work | None) -> float:
    """Have a timer fire every millisecond, and the work done in between; returns the p99 of how late it fired."""
    late, began = [], time.monotonic()
    for tick in range(1, int(seconds * 1000)):
        due = began + tick / 1000
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late.append((time.monotonic() - due) * 1000)
        if late[-1] > TICKS_LOST_MS:
            began += late[-1] / 1000  # one long pause counts once, not for all the ticks that it took the place of
        if work is not None and tick % (1000 // MESSAGES_A_SECOND) == 0:
            work(time.monotonic())
    return p99(late)


async def lateness_by_turns(work: Work, turns: int) -> tuple[float, float]:
    """Measure that without and with the work, a second each, by turns; gives the median of each.

    The machine's other work is the same for both, which it is not for two measurements of some seconds.
    """
    without, with_it = [], []
    for _ in range(turns):
        without.append(await late_ms(1.0, None))
        with_it.append(await late_ms(1.0, work))
    return statistics.median(without), statistics.median(with_it)


async def under_load(protocol: Protocol, seconds: float) -> list[Figure]:
    """Sampled traffic at the default rate, to a receiver that works."""
    with receiver(protocol) as url, receiver("http/protobuf") as other:
        pipeline, tracer = started(url, protocol)
        await paced(1.0, of_ours(tracer))  # warm
        _, idle = await paced(seconds, None)
        before = resident_bytes() or 0
        us, busy = await paced(seconds, of_ours(tracer))
        grown = ((resident_bytes() or 0) - before) / 2**20
        late_without, late_with = await lateness_by_turns(of_ours(tracer), max(1, int(seconds)))
        began = time.monotonic()
        is_clean = await pipeline.close()
        close_s = time.monotonic() - began
        work, end = of_the_sdk(other)
        sdk_us, sdk_busy = await paced(seconds, work)
        end()
    assert is_clean and pipeline.spans.n_failed == 0, "the receiver of the benchmark failed"
    rate = MESSAGES_A_SECOND * SPANS_A_MESSAGE
    return [
        Figure(f"yardstick: span by the SDK's tracer on the loop, {protocol}", sdk_us, "us", None),
        Figure(f"sampled span on the loop, {protocol}", us, "us", 7.0),
        Figure(f"the same, of the yardstick, {protocol}", us / sdk_us, "of it", 0.3),
        Figure(f"{rate} spans/s, all threads, {protocol}", (busy - idle) * 100, "% of a core", 2.0),
        Figure(f"the same by the SDK's tracer, {protocol}", (sdk_busy - idle) * 100, "% of a core", None),
        Figure(f"{QUIET_TICK}, {protocol}", late_without, "ms late", None),
        Figure(f"{BUSY_TICK}, {protocol}", late_with, "ms late", None),
        Figure(f"memory grown in {seconds:g} s, {protocol}", grown, "MB", 15.0),
        Figure(f"end, collector works, {protocol}", close_s, "s", 3.5),
    ]


async def against_nobody(protocol: Protocol, seconds: float) -> list[Figure]:
    """The same traffic, with nobody to take it."""
    pipeline, tracer = started("http://127.0.0.1:9", protocol)  # the discard port: refused, where nobody has it
    before = resident_bytes() or 0
    us, busy = await paced(seconds, of_ours(tracer))
    grown = ((resident_bytes() or 0) - before) / 2**20
    began = time.monotonic()
    await pipeline.close()
    return [
        Figure(f"sampled span on the loop, dead collector, {protocol}", us, "us", None),
        Figure(f"all threads, dead collector, {protocol}", busy * 100, "% of a core", 4.0),
        Figure(f"memory grown, dead collector, {protocol}", grown, "MB", 15.0),
        Figure(f"end, dead collector, {protocol}", time.monotonic() - began, "s", 3.5),
    ]


def p99(values: Sequence[float]) -> float:
    """The 99th percentile; the last value where there are few."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


@contextlib.contextmanager
def receiver(protocol: Protocol) -> Iterator[str]:
    """A receiver in a process of its own; it ends when its input does."""
    command = [sys.executable, "-m", "tests.bench.telemetry", "--receive", protocol]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def receive(protocol: str) -> None:
    """Be that process."""
    from tests.telemetry.receivers import grpc_receiver, http_receiver

    with (grpc_receiver if protocol == "grpc" else http_receiver)() as taken:
        print(taken.url, flush=True)
        sys.stdin.read()


def best(rounds: Sequence[Sequence[Figure]]) -> list[Figure]:
    """The best of each figure over the rounds, beside its own bar: what is above it is the machine's."""
    return [min(same, key=lambda figure: figure.value / (figure.bar or 1.0)) for same in zip(*rounds, strict=True)]


def lateness(figures: Sequence[Figure]) -> Iterator[Figure]:
    """How much later the loop is for the spans: the best round with them beside the best one without.

    Not the difference within a round: what else the machine does makes that anything, and the best less than none.
    """
    late = {figure.name: figure.value for figure in figures}
    for name, value in late.items():
        if name.startswith(f"{BUSY_TICK}, ") and not name.startswith(QUIET_TICK):
            yield Figure(f"{name}: later", value - late[name.replace(BUSY_TICK, QUIET_TICK)], "ms", 1.5)


def table(figures: Sequence[Figure]) -> str:
    """Write the figures as text."""
    width = max(len(figure.name) for figure in figures)
    lines = []
    for figure in figures:
        bar = "" if figure.bar is None else f"at most {figure.bar:.3g}"
        verdict = "" if figure.bar is None else "ok" if figure.is_reached else "MISSED"
        lines.append(f"{figure.name:<{width}}  {figure.value:>8.2f} {figure.unit:<12} {bar:<12} {verdict}".rstrip())
    return "\n".join(lines)


def in_a_process_of_its_own(kind: str, protocol: str, seconds: float) -> list[Figure]:
    """Measure there: imports, threads and memory of one measurement must not weigh on the next."""
    command = [sys.executable, "-m", "tests.bench.telemetry", "--measure", kind, protocol, "--seconds", str(seconds)]
    began = time.monotonic()
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=seconds * 6 + 60)
    print(f"{kind} {protocol}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return msgspec.json.decode(ended.stdout.splitlines()[-1], type=list[Figure])


def main(words: Sequence[str]) -> int:
    """Measure, print, judge; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.telemetry", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--receive", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    told = parser.parse_args(words)
    if told.receive:
        receive(told.receive)
        return 0
    if told.measure:
        kind, protocol = told.measure
        measured = {"load": under_load, "nobody": against_nobody}[kind]
        print(msgspec.json.encode(asyncio.run(measured(protocol, told.seconds))).decode(), flush=True)
        os._exit(0)  # threads that were given up may still wait for nobody
    figures = best([list(decisions()) for _ in range(told.rounds)])
    figures += publish_path(2_000)
    for kind in ("load", "nobody"):
        for protocol in ("http/protobuf", "grpc"):
            figures += best([in_a_process_of_its_own(kind, protocol, told.seconds) for _ in range(told.rounds)])
    figures += lateness(figures)
    print(table(figures))
    return 0 if all(figure.is_reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

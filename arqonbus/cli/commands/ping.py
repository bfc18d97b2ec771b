"""``arqonbus ping``: how long a server takes to answer, over one connection that stands."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from arqonbus.cli.kit.connection import add_connection, connected, seconds
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.parser import Parser

if TYPE_CHECKING:
    from arqonbus.cli.bench.latencies import Latencies
    from arqonbus.cli.kit.output import Output
    from arqonbus.client import Bus

__all__ = ["add", "run"]

DEFAULT_N = 10
DEFAULT_EVERY_S = 0.2


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus ping", "ten times, then percentiles")
    parser.add_example("arqonbus ping -n 1000 --every 0.01 --json")
    parser.add_example("arqonbus ping -n 0 --every 1", "until Ctrl-C")
    parser.add_argument(
        "-n",
        "--count",
        metavar="N",
        type=_count,
        default=DEFAULT_N,
        help=f"how often; 0: until Ctrl-C (default: {DEFAULT_N})",
    )
    parser.add_argument(
        "--every", metavar="SECONDS", type=_pause, default=DEFAULT_EVERY_S,
        help=f"between the beginnings of two of them; 0: none (default: {DEFAULT_EVERY_S:g})",
    )  # fmt: skip
    parser.add_argument("-q", "--quiet", action="store_true", help="the percentiles only")
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Ask, and tell."""
    from arqonbus.cli.kit.output import Output
    from arqonbus.cli.kit.running import run_async

    pinging = _Pinging(options, Output(as_json=options.json))
    return run_async(pinging.run, options, on_interrupt=pinging.interrupted)


class _Pinging:
    """What was asked and answered so far."""

    def __init__(self, options: argparse.Namespace, out: Output) -> None:
        from arqonbus.cli.bench.latencies import Latencies

        self._options = options
        self._out = out
        self._sent = 0
        self._times: Latencies = Latencies()

    async def run(self, options: argparse.Namespace) -> int:
        """Ask as often as wanted."""
        import asyncio

        async with connected(options) as bus:
            start = asyncio.get_running_loop().time()
            while not options.count or self._sent < options.count:
                until_s = start + self._sent * options.every - asyncio.get_running_loop().time()
                await asyncio.sleep(max(0.0, until_s))
                self._sent += 1
                self._tell_one(await self._asked(bus))
        self._tell_all()
        return Exit.OK if self._times.n else Exit.TIMEOUT

    async def _asked(self, bus: Bus) -> int | None:
        """Give the time in ns; None: no answer."""
        from time import perf_counter_ns

        from arqonbus.client import Expired, OutcomeUnknown

        began_at = perf_counter_ns()
        try:
            await bus.ping()
        except (Expired, OutcomeUnknown):
            return None
        return perf_counter_ns() - began_at

    def interrupted(self) -> int:
        """Say how it was so far."""
        if self._sent:
            self._tell_all()
        return Exit.INTERRUPTED if self._options.count else Exit.OK

    def _tell_one(self, ns: int | None) -> None:
        from arqonbus.cli.kit.measures import PingRecord

        if ns is not None:
            self._times.add(ns)
        if self._options.quiet:
            return
        ms = None if ns is None else round(ns / 1e6, 3)
        if self._out.as_json:
            self._out.record(PingRecord(n=self._sent, ms=ms))
        else:
            self._out.line(f"{self._sent:>5}  {'no answer' if ms is None else f'{ms:.3f} ms'}")

    def _tell_all(self) -> None:
        from arqonbus.cli.kit.measures import PingsRecord

        found = {"min": round(self._times.lowest_ns / 1e6, 4), **self._times.summary()}
        if self._out.as_json:
            self._out.record(PingsRecord(sent=self._sent, answered=self._times.n, ms=found))
            return
        self._out.line(f"{self._sent} sent, {self._times.n} answered")
        if self._times.n:
            self._out.line("   ".join(f"{name} {ms:.3f}" for name, ms in found.items()) + "   ms")


def _count(text: str) -> int:
    """Read a number from 0 on. For argparse: raises ArgumentTypeError."""
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"expected a number from 0 on, got {text!r}")
    return int(text)


def _pause(text: str) -> float:
    """Read seconds from 0 on. For argparse: raises ArgumentTypeError."""
    return 0.0 if text == "0" else seconds(text)

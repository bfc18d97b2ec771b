"""``arqonbus bench``: put a load on a server, and say how long messages take and what became of them."""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from arqonbus.cli.kit.connection import add_connection, connected, seconds, token_of, url_of
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure, note
from arqonbus.cli.kit.parser import Parser

if TYPE_CHECKING:
    from arqonbus.cli.bench.marks import Mark
    from arqonbus.cli.bench.plan import Plan
    from arqonbus.cli.kit.measures import BenchRecord
    from arqonbus.cli.kit.output import Output

__all__ = ["add", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus bench", "100 readers of one channel, 100 messages a second, 5 s")
    parser.add_example("arqonbus bench pairs --clients 50 --rate 5000 --processes 2")
    parser.add_example("arqonbus bench --json > before.json")
    parser.add_example("arqonbus bench --compare before.json --fail-if 'p99>+20%' --fail-if 'lost>0'")
    parser.add_argument(
        "shape",
        metavar="SHAPE",
        nargs="?",
        default="fanout",
        choices=("fanout", "pairs", "requests"),
        help="fanout: one sender, all clients read one channel; pairs: each client sends to itself; "
        "requests: each client asks a service (default: fanout)",
    )
    parser.add_argument(
        "--clients", metavar="N", type=_count, default=100, help="readers, pairs, or askers (default: 100)"
    )
    parser.add_argument(
        "--rate", metavar="N", type=seconds, default=100.0, help="messages a second in all (default: 100)"
    )
    parser.add_argument(
        "--duration", metavar="SECONDS", type=seconds, default=5.0, help="that is measured (default: 5)"
    )
    parser.add_argument("--warmup", metavar="SECONDS", type=_span, default=1.0, help="before it; may be 0 (default: 1)")
    parser.add_argument("--size", metavar="BYTES", type=_count, default=128, help="of each payload (default: 128)")
    parser.add_argument("--processes", metavar="N", type=_count, default=1, help="that make the load (default: 1)")
    parser.add_argument("--compare", metavar="FILE", help="an earlier run, as --json wrote it")
    parser.add_argument(
        "--fail-if",
        metavar="MARK",
        action="append",
        default=[],
        help="exit with 7 if it holds, as p99>5ms; may be repeated",
    )
    parser.exits = (*parser.exits, Exit.LOSS)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Measure, tell, judge."""
    from arqonbus.cli.bench.marks import parse
    from arqonbus.cli.kit.output import Output
    from arqonbus.cli.kit.running import run_async

    try:
        marks = [parse(text) for text in options.fail_if]
    except ValueError as error:
        raise Failure(Exit.USAGE, f"--fail-if: {error}", code="usage") from error
    before = _earlier(options.compare)
    if before is None and any(mark.relative for mark in marks):
        raise Failure(Exit.USAGE, "--fail-if: a change in % needs --compare FILE", code="usage")
    output = Output(as_json=options.json)
    return run_async(lambda options: _measured(options, marks, before, output), options)


async def _measured(options: argparse.Namespace, marks: list[Mark], before: BenchRecord | None, output: Output) -> int:
    from arqonbus.cli.bench.coordinator import WorkerFailed, run_plan
    from arqonbus.cli.bench.record import record_of

    plan = _plan(options)
    async with connected(options) as bus:
        server = await bus.status()
        if sys.stderr.isatty():
            note(f"about {plan.warmup_s + plan.duration_s:g} s")
        try:
            outcome = await run_plan(plan)
        except WorkerFailed as error:
            raise Failure(Exit.FAILED, error.message, code=error.code or "failed") from error
    found = record_of(plan, outcome, server)
    if options.json:
        output.record(found)
    else:
        _tell(found, before, output)
    return _judge(found, before, marks)


def _tell(found: BenchRecord, before: BenchRecord | None, output: Output) -> None:
    from arqonbus.cli.bench.report import comparison, report

    for line in (*report(found), *(comparison(found, before) if before is not None else ())):
        output.line(line)


def _judge(found: BenchRecord, before: BenchRecord | None, marks: list[Mark]) -> int:
    """Say what is wrong on stderr, and give the exit code."""
    if not found.valid:
        note("take a lower --rate, fewer --clients, more --processes, or another machine than the server's")
    broken = [words for mark in marks if (words := mark.broken(found, before))]
    for words in broken:
        note(f"failed: {words}")
    return Exit.LOSS if broken or (marks and not found.valid) else Exit.OK


def _plan(options: argparse.Namespace) -> Plan:
    from arqonbus.cli.bench.plan import Plan

    return Plan(
        url=url_of(options),
        shape=options.shape,
        clients=options.clients,
        rate=options.rate,
        duration_s=options.duration,
        warmup_s=options.warmup,
        size=options.size,
        processes=options.processes,
        room=f"bench-{secrets.token_hex(4)}",
        token=token_of(options),
    )


def _earlier(path: str | None) -> BenchRecord | None:
    if path is None:
        return None
    from arqonbus.cli.bench.record import read_record

    try:
        return read_record(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Failure(Exit.USAGE, f"--compare {path}: {why}", code="usage") from error


def _count(text: str) -> int:
    """Read a number above 0. For argparse: raises ArgumentTypeError."""
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return int(text)


def _span(text: str) -> float:
    """Read seconds from 0 on. For argparse: raises ArgumentTypeError."""
    return 0.0 if text == "0" else seconds(text)

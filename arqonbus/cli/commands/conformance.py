"""``arqonbus conformance``: try from outside whether a server keeps the protocol."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from arqonbus.cli.kit.connection import DEFAULT_TIMEOUT_S, add_connection, token_of, url_of
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure
from arqonbus.cli.kit.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arqonbus.cli.kit.output import Output
    from arqonbus.cli.kit.records import CaseRecord
    from arqonbus.testing.conformance.case import Case
    from arqonbus.testing.conformance.run import Server, Target
    from arqonbus.testing.conformance.verdict import Outcome

__all__ = ["add", "run"]

_POLL_S = 0.2
"""Between two tries to connect, with `--wait`."""


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus conformance ws://localhost:9100", "all cases, some 20 s")
    parser.add_example("arqonbus conformance --only recovery --only 'slow reader'", "some of them")
    parser.add_example("arqonbus conformance --list", "what there is, and where the contract says it")
    parser.add_example("arqonbus conformance --json > report.jsonl", "for programs")
    add_connection(parser, timeout="for anything that should come at once, and for --wait (default: 10)")
    parser.add_argument("address", metavar="URL", nargs="?", help="the server; the same as --url")
    parser.add_argument(
        "--only", metavar="TEXT", action="append", default=[], help="cases with this in their name; may be repeated"
    )
    parser.add_argument(
        "--also",
        metavar="URL",
        action="append",
        default=[],
        help="another server of the same bus, whose clients are spread over all; may be repeated",
    )
    parser.add_argument("--list", action="store_true", help="list the cases and play none")
    parser.add_argument(
        "--drain-pid", metavar="PID", type=int, help="process of the server; it is told to drain at the end, and ends"
    )


def run(options: argparse.Namespace) -> int:
    """List, or play and report."""
    from arqonbus.cli.kit.output import Output
    from arqonbus.testing.conformance.catalogue import chosen

    cases = chosen(options.only)
    if not cases:
        raise Failure(Exit.USAGE, f"no case has {' or '.join(options.only)} in its name", code="usage")
    if options.address is not None:
        if options.url is not None:
            raise Failure(Exit.USAGE, "URL and --url: expected one of them, got both", code="usage")
        options.url = options.address
    out = Output(as_json=options.json)
    if options.list:
        return _list(out, cases)
    from arqonbus.cli.kit.running import run_async

    return run_async(lambda options: _play(options, cases, out), options)


def _list(out: Output, cases: Sequence[Case]) -> int:
    from arqonbus.cli.kit.output import Column
    from arqonbus.cli.kit.records import ListedCaseRecord

    if out.as_json:
        for case in cases:
            out.record(ListedCaseRecord(name=case.name, contract=case.proves))
        return Exit.OK
    out.table([Column("CASE"), Column("CONTRACT")], [(case.name, ", ".join(case.proves)) for case in cases])
    return Exit.OK


async def _play(options: argparse.Namespace, cases: Sequence[Case], out: Output) -> int:
    from arqonbus.testing.conformance.run import Target, run

    patience_s = options.timeout or DEFAULT_TIMEOUT_S
    target = Target(url_of(options), token_of(options), options.drain_pid, patience_s, tuple(options.also))
    server = await _greeted(target, patience_s if options.wait else 0.0)
    if not out.as_json:
        out.line(f"{server.url}: {server.name}, protocol {server.version}, {len(cases)} cases")
    outcomes = await run(cases, target, _teller(out, len(cases)))
    _conclude(out, server, outcomes)
    return Exit.FAILED if any(outcome.state == "failed" for outcome in outcomes) else Exit.OK


async def _greeted(target: Target, limit_s: float) -> Server:
    import asyncio

    from arqonbus.testing.conformance.run import NoConnection, greet

    until = asyncio.get_running_loop().time() + limit_s
    while True:
        try:
            return await greet(target)
        except NoConnection as error:
            if asyncio.get_running_loop().time() >= until:
                raise Failure(
                    Exit.UNREACHABLE, str(error), hint="is the server running?", code="no_connection"
                ) from error
        await asyncio.sleep(_POLL_S)


def _teller(out: Output, n_cases: int) -> Callable[[Outcome], None]:
    """Make what shows an outcome at once: failures in full, the rest as a count on a terminal."""
    from arqonbus.testing.conformance.report import failure_lines

    shows_count = sys.stderr.isatty() and out.is_terminal and not out.as_json
    n_told = 0

    def tell(outcome: Outcome) -> None:
        nonlocal n_told
        n_told += 1
        if out.as_json:
            out.record(_record(outcome))
            return
        if shows_count:
            print("\r\x1b[K", end="", file=sys.stderr)
        if outcome.state == "failed":
            for line in failure_lines(outcome, out.painted):
                out.line(line)
        if shows_count and n_told < n_cases:
            print(f"{n_told}/{n_cases} {outcome.name[:60]}", end="", file=sys.stderr, flush=True)

    return tell


def _record(outcome: Outcome) -> CaseRecord:
    from arqonbus.cli.kit.records import CaseRecord
    from arqonbus.testing.conformance.report import shown

    is_failed = outcome.state == "failed"
    return CaseRecord(
        name=outcome.name,
        state=outcome.state,
        contract=outcome.proves,
        took_ms=outcome.took_ms,
        reason=outcome.reason,
        expected=shown(outcome.expected) if is_failed else None,
        got=shown(outcome.got) if is_failed else None,
    )


def _conclude(out: Output, server: Server, outcomes: Sequence[Outcome]) -> None:
    from arqonbus.cli.kit.output import Column
    from arqonbus.cli.kit.records import ConformanceRecord
    from arqonbus.testing.conformance.report import areas, skipped_lines, total

    everything = total(outcomes)
    if out.as_json:
        record = ConformanceRecord(
            url=server.url,
            server=server.name,
            protocol=server.version,
            passed=everything.passed,
            failed=everything.failed,
            skipped=everything.skipped,
            took_ms=everything.took_ms,
        )
        out.record(record)
        return
    for line in skipped_lines(outcomes):
        out.line(line)
    columns = [Column("AREA"), *(Column(title, right=True) for title in ("PASSED", "FAILED", "SKIPPED", "MS"))]
    out.table(columns, [(a.name, a.passed, a.failed, a.skipped, a.took_ms) for a in [*areas(outcomes), everything]])
    verdict, colour = ("does not conform", "red") if everything.failed else ("conforms", "green")
    out.line(out.painted(f"{server.url} {verdict}", colour))

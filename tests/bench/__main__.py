"""python -m tests.bench: measure, print, judge. See --help and arguments.py.

The figure that counts is the server's CPU time per delivery: it moves far less with the load of the machine than rates
and latencies do. What is left of the noise is taken out by running the bare yardstick in turn with the bus.
"""

from __future__ import annotations

import platform
import pstats
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.bench.arguments import Arguments, parse
from tests.bench.build import generator_path
from tests.bench.cases import Case
from tests.bench.failure import BenchFailure
from tests.bench.generator import Run, run_idle, run_load
from tests.bench.report import (
    AGAINST,
    BARE,
    BUS,
    CaseRuns,
    Report,
    ab_table,
    case_table,
    changes,
    idle_verdict,
    verdict,
)
from tests.bench.servers import Side, bare_side, bus_side, profiled, started

_OVERHEAD_S = 2.5  # start, joins, warm-up and stop of one run, for the estimate
_PROFILE_LINES = 40


def main(words: Sequence[str]) -> int:
    """Run what the command line asks for and return the exit code."""
    arguments = parse(words)
    try:
        _raise_file_limit()
        generator_path()  # first of all: without a compiler nothing else is worth starting
        if arguments.idle:
            return _measure_idle(arguments)
        if arguments.profile is not None:
            return _profile(arguments, arguments.profile)
        return _measure_cases(arguments)
    except BenchFailure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 2


def _measure_cases(arguments: Arguments) -> int:
    old = _read_report(arguments.compare) if arguments.compare else None
    sides = [bare_side(), *_bus_sides(arguments)]
    results = _run_rounds(arguments, sides)
    print(case_table(results))
    if arguments.against:
        print(f"\n{BUS} beside {AGAINST} ({arguments.against}), round by round:\n{ab_table(results)}")
    if old:
        print(f"\nsince {arguments.compare}:\n{changes(results, old.cases)}")
    if arguments.json:
        _write_report(arguments, results)
    missed = [result for result in results if not verdict(result.case, result.runs[BUS], result.runs[BARE]).ok]
    print(f"\n{len(results) - len(missed)} of {len(results)} cases reach the bar")
    return 1 if missed else 0


def _bus_sides(arguments: Arguments) -> list[Side]:
    sides = [bus_side(BUS, arguments.checkout)]
    return [*sides, bus_side(AGAINST, arguments.against)] if arguments.against else sides


def _run_rounds(arguments: Arguments, sides: Sequence[Side]) -> list[CaseRuns]:
    """Run every side of a case close in time, in the other order each round: what drifts hits all alike."""
    runs: dict[str, dict[str, list[Run]]] = {case.name: {side.name: [] for side in sides} for case in arguments.cases}
    total = arguments.rounds * len(arguments.cases) * len(sides)
    _progress(f"{total} runs, about {total * (arguments.seconds + _OVERHEAD_S) / 60:.0f} minutes")
    for number in range(arguments.rounds):
        for case in arguments.cases:
            order = sides if number % 2 == 0 else sides[::-1]
            for side in order:
                runs[case.name][side.name].append(_run_one(side, case, arguments.seconds))
            told = (f"{side.name} {runs[case.name][side.name][-1].cpu_us_per_delivery:.2f}" for side in sides)
            _progress(f"round {number + 1}/{arguments.rounds}  {case.name:<10} us/delivery: {', '.join(told)}")
    return [CaseRuns(case, runs[case.name]) for case in arguments.cases]


def _run_one(side: Side, case: Case, seconds: float) -> Run:
    with started(side) as server:
        return run_load(side, server, case, seconds)


def _measure_idle(arguments: Arguments) -> int:
    reached = True
    for side in _bus_sides(arguments):
        with started(side) as server:
            run = run_idle(side, server, arguments.idle)
        judged = idle_verdict(run)
        reached = reached and (judged.ok or side.name != BUS)
        print(
            f"{side.name}: {run.connections} idle connections with one membership each: "
            f"{run.bytes_per_connection:,.0f} bytes and {run.cpu_us_per_connection:.0f} us of CPU per connection "
            f"({run.rss_before / 2**20:.1f} -> {run.rss_after / 2**20:.1f} MiB): {judged.words}"
        )
    return 0 if reached else 1


def _profile(arguments: Arguments, case: Case) -> int:
    """Print where the server's main thread spends its time. The profiler itself doubles the cost: only shares count."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "profile"
        _run_one(profiled(bus_side(BUS, arguments.checkout), output), case, arguments.seconds)
        if not output.is_file():
            raise BenchFailure("the server wrote no profile: it was killed before it had drained")
        pstats.Stats(str(output)).sort_stats("tottime").print_stats(_PROFILE_LINES)
    return 0


def _read_report(path: Path) -> Report:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError) as error:
        raise BenchFailure(f"{path} is no report of --json: {error}") from error


def _write_report(arguments: Arguments, results: list[CaseRuns]) -> None:
    report = Report(platform.python_version(), _cpu_model(), arguments.seconds, results)
    assert arguments.json is not None
    arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _raise_file_limit() -> None:
    """The servers inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

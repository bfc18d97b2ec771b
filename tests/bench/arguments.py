"""The command line of the benchmark."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.bench.cases import CASES, Case, case_named

__all__ = ["Arguments", "parse"]

_HERE = Path(__file__).resolve().parents[2]


class Arguments(msgspec.Struct, frozen=True):
    """What to measure."""

    cases: tuple[Case, ...]
    rounds: int
    seconds: float
    """Measured per run, after half a second of warm-up."""
    checkout: Path
    against: Path | None
    json: Path | None
    compare: Path | None
    idle: int
    """Connections for the memory test; 0: measure the cases."""
    profile: Case | None


def parse(words: Sequence[str]) -> Arguments:
    """Read the command line; a wrong one ends the process with code 2 and a message, as argparse does."""
    told = _parser().parse_args(words)
    return Arguments(
        cases=tuple(told.case) or CASES,
        rounds=told.rounds,
        seconds=told.seconds,
        checkout=told.checkout,
        against=told.against,
        json=told.json,
        compare=told.compare,
        idle=told.idle,
        profile=told.profile,
    )


def _parser() -> argparse.ArgumentParser:
    names = ", ".join(case.name for case in CASES)
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measures the bus beside a bare write per delivery. Server and load have a core each.",
        epilog=f"Cases (groups x members, publishes in flight): {names}. "
        "Exit codes: 0 every bar reached, 1 a bar missed or events lost, 2 could not measure.",
    )
    add = parser.add_argument
    add("--case", type=_case, action="append", default=[], help="measure this case only; may be repeated")
    add("--rounds", type=_count, default=3, help="interleaved rounds, the median counts (default 3)")
    add("--seconds", type=_seconds, default=2.0, help="measured per run (default 2)")
    add("--json", type=Path, metavar="FILE", help="write every run to FILE")
    add("--compare", type=_file, metavar="OLD.json", help="print the change since a run of --json")
    add(
        "--against",
        type=_folder,
        metavar="PATH",
        help="a second checkout to run interleaved (A/B; take --rounds 7 or more)",
    )
    add("--checkout", type=_folder, default=_HERE, metavar="PATH", help="the checkout under test (default: this one)")
    add("--idle", type=_count, default=0, metavar="N", help="measure the memory of N idle connections instead")
    add("--profile", type=_case, metavar="CASE", help="run one case with the server under cProfile instead")
    return parser


def _case(word: str) -> Case:
    try:
        return case_named(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {word!r}")
    return int(word)


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 15.0:  # longer, and the server would begin to ping the silent load generator
        raise argparse.ArgumentTypeError(f"expected 0.1 to 15 seconds, got {word!r}")
    return seconds


def _file(word: str) -> Path:
    if not Path(word).is_file():
        raise argparse.ArgumentTypeError(f"expected a file, found none at {word}")
    return Path(word)


def _folder(word: str) -> Path:
    if not Path(word).is_dir():
        raise argparse.ArgumentTypeError(f"expected a folder, found none at {word}")
    return Path(word).resolve()

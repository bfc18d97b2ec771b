"""Simulation: the real bus under trouble that a seed decides, many seeds over. A seed that fails fails again.

    python -m arqonbus.testing.simulation --seeds 10000
    python -m arqonbus.testing.simulation --seed 4711 --trace

Sessions, rooms, channels, the registry and the memory store are those of the server; the sockets, the clients and the
time are not. ``run_seed`` runs one seed, ``run_seeds`` many; both take a bus of your own (see SimulatedBus).
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
from msgspec import Struct

from arqonbus.testing.run import Outcome, run_seed
from arqonbus.testing.world import SimulatedBus

__all__ = ["Outcome", "SimulatedBus", "Summary", "main", "run_seed", "run_seeds"]

TRACE_TAIL = 60  # steps shown of a failed seed, unless all are asked for
PROGRESS_S = 2.0  # seconds between two lines of progress


class Summary(Struct, frozen=True):
    """What many seeds came to."""

    first: int
    n_seeds: int  # that ran
    failed: tuple[Outcome, ...]
    n_turns: int
    n_messages: int
    n_connections: int
    n_dropped: int
    virtual_s: float
    seconds: float


def run_seeds(
    first: int,
    n_seeds: int,
    bus_type: type[SimulatedBus] = SimulatedBus,
    *,
    most_failures: int = 10,
    progress: Callable[[int, int], None] = lambda n_done, n_failed: None,
) -> Summary:
    """Run seeds one after the other.

    Args:
        first: the first seed.
        n_seeds: how many, >= 0.
        bus_type: the bus to try.
        most_failures: stop after so many.
        progress: called after each seed with how many ran and failed.
    """
    failed: list[Outcome] = []
    n_turns = n_messages = n_connections = n_dropped = n_done = 0
    virtual_s, began = 0.0, time.perf_counter()
    with _quiet():
        for seed in range(first, first + n_seeds):
            outcome = run_seed(seed, bus_type)
            n_done += 1
            n_turns, n_messages = n_turns + outcome.n_turns, n_messages + outcome.n_messages
            n_connections, virtual_s = n_connections + outcome.n_connections, virtual_s + outcome.virtual_s
            n_dropped += outcome.n_dropped
            if outcome.broken:
                failed.append(outcome)
            progress(n_done, len(failed))
            if len(failed) >= most_failures:
                break
    seconds = time.perf_counter() - began
    return Summary(first, n_done, tuple(failed), n_turns, n_messages, n_connections, n_dropped, virtual_s, seconds)


@contextmanager
def _quiet() -> Iterator[None]:
    """Log nothing: the trouble is made on purpose."""
    logger = logging.getLogger("arqonbus")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def main(argv: list[str] | None = None, bus_type: type[SimulatedBus] = SimulatedBus) -> int:
    """Run from the command line, of ``bus_type``. Returns 0, or 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m arqonbus.testing.simulation", description="simulate the bus")
    parser.add_argument("--seeds", type=int, default=1000, metavar="N", help="how many seeds (1000)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first seed (0)")
    parser.add_argument("--seed", type=int, metavar="N", help="run this seed alone")
    parser.add_argument("--trace", action="store_true", help="show every step of failed seeds, or of --seed")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    options = parser.parse_args(argv)
    first, n_seeds = (options.first, options.seeds) if options.seed is None else (options.seed, 1)
    summary = run_seeds(first, n_seeds, bus_type, progress=_Progress(n_seeds))
    if options.json:
        _say(msgspec.json.encode(summary).decode())
    else:
        _say(_table(summary))
    shown = [outcome.seed for outcome in summary.failed[:3]]
    if options.trace and options.seed is not None:
        shown = [options.seed]
    if not options.json:
        for seed in shown:
            _say(_story(seed, bus_type, whole=options.trace))
    return 1 if summary.failed else 0


class _Progress:
    """Says how far it is, on a terminal in one line."""

    def __init__(self, n_seeds: int) -> None:
        self._n_seeds = n_seeds
        self._began = self._said = time.perf_counter()

    def __call__(self, n_done: int, n_failed: int) -> None:
        now = time.perf_counter()
        if now - self._said < PROGRESS_S:
            return
        self._said = now
        rate = n_done / (now - self._began)
        end = "\r" if sys.stderr.isatty() else "\n"
        left = (self._n_seeds - n_done) / rate
        sys.stderr.write(f"{n_done}/{self._n_seeds} seeds, {n_failed} failed, {rate:.0f}/s, {left:.0f} s left {end}")
        sys.stderr.flush()


def _table(summary: Summary) -> str:
    rows = {
        "seeds": f"{summary.n_seeds} from {summary.first}",
        "failed": str(len(summary.failed)),
        "turns": str(summary.n_turns),
        "messages": str(summary.n_messages),
        "connections": str(summary.n_connections),
        "events dropped": str(summary.n_dropped),
        "virtual hours": f"{summary.virtual_s / 3600:.1f}",
        "seconds": f"{summary.seconds:.1f} ({summary.n_seeds / max(summary.seconds, 1e-9):.0f} seeds/s)",
    }
    lines = [f"{name:<14} {value}" for name, value in rows.items()]
    return "\n".join([*lines, *(f"seed {outcome.seed}: {outcome.broken[0]}" for outcome in summary.failed)])


def _story(seed: int, bus_type: type[SimulatedBus], *, whole: bool) -> str:
    """Run a seed again and tell its steps."""
    with _quiet():
        trace = run_seed(seed, bus_type, trace=True).trace
    shown = trace if whole else trace[-TRACE_TAIL:]
    return "\n".join([f"\nseed {seed}, the last {len(shown)} of {len(trace)} steps:", *shown])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())

"""The arithmetic of the benchmark and its tables: pure functions from runs to numbers, verdicts and text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median

import msgspec

from tests.bench.cases import BAR, IDLE_BAR_BYTES, Case
from tests.bench.generator import IdleRun, Run

__all__ = [
    "CHANGE_BAR",
    "CaseRuns",
    "Figures",
    "Report",
    "Verdict",
    "ab_table",
    "case_table",
    "changes",
    "figures",
    "idle_verdict",
    "ratio",
    "verdict",
]

BARE = "bare"  # the yardstick's name among the sides
BUS = "arqonbus"  # this checkout
AGAINST = "against"  # the second checkout, if any
CHANGE_BAR = 0.03  # a change of the cost of a delivery beyond this is flagged

Row = Sequence[str]


class CaseRuns(msgspec.Struct, frozen=True):
    """All runs of one case: side -> its runs, in the order of the rounds: run i of each side ran close in time."""

    case: Case
    runs: dict[str, list[Run]]


class Report(msgspec.Struct, frozen=True):
    """What --json writes and --compare reads."""

    python: str
    cpu: str
    seconds: float
    cases: list[CaseRuns]


class Figures(msgspec.Struct, frozen=True):
    """Medians over the rounds."""

    cpu_us_per_delivery: float
    cpu_us_per_publish: float
    deliveries_per_s: float
    p50_us: float
    p99_us: float


class Verdict(msgspec.Struct, frozen=True):
    """Whether a bar was reached, and in words why not."""

    ok: bool
    words: str


def figures(runs: Sequence[Run]) -> Figures:
    """Return the median of each figure over at least one run."""

    def middle(figure: Callable[[Run], float]) -> float:
        return median(figure(run) for run in runs)

    return Figures(
        cpu_us_per_delivery=middle(lambda run: run.cpu_us_per_delivery),
        cpu_us_per_publish=middle(lambda run: run.cpu_us_per_publish),
        deliveries_per_s=middle(lambda run: run.deliveries_per_s),
        p50_us=middle(lambda run: run.p50_us),
        p99_us=middle(lambda run: run.p99_us),
    )


def ratio(case: Case, side_us: float, bare_us: float) -> float:
    """Return the cost of a delivery in prototypes: 1.0 is what the prototype would cost on this machine, now.

    Args: side_us, bare_us: CPU per delivery of the side and of the bare write in the same rounds.
    """
    return side_us / (case.prototype_us * bare_us / case.bare_us)


def verdict(case: Case, runs: Sequence[Run], bare: Sequence[Run]) -> Verdict:
    """Judge one side of a case. Lost, misordered or closed is a failure at any speed."""
    faults = {name: sum(getattr(run, name) for run in runs) for name in ("lost", "misordered", "closed")}
    if any(faults.values()):
        return Verdict(False, "FAULTY: " + ", ".join(f"{count} {name}" for name, count in faults.items() if count))
    reached = ratio(case, figures(runs).cpu_us_per_delivery, figures(bare).cpu_us_per_delivery)
    return Verdict(True, "ok") if reached <= BAR else Verdict(False, f"MISSED: {reached:.2f} > {BAR}")


def idle_verdict(run: IdleRun) -> Verdict:
    """Judge the memory of an idle connection."""
    ok = run.bytes_per_connection <= IDLE_BAR_BYTES
    return Verdict(ok, "ok" if ok else f"MISSED: {run.bytes_per_connection:.0f} > {IDLE_BAR_BYTES} bytes")


def case_table(results: Iterable[CaseRuns]) -> str:
    """Return a line per case and side."""
    head = ("case", "side", "us/delivery", "us/publish", "deliveries/s", "p50 us", "p99 us", "x prototype", "verdict")
    return _aligned([head, *(row for result in results for row in _case_rows(result))], n_names=2)


def ab_table(results: Iterable[CaseRuns]) -> str:
    """Return a line per case that says what this checkout costs beside the other, in percent of the other.

    The rounds are compared pairwise, since two runs next to each other share the mood of the machine.
    """
    head = ("case", "us/delivery", "against", "change", "least", "most", "")
    return _aligned([head, *(_ab_row(result) for result in results if AGAINST in result.runs)])


def changes(new: Iterable[CaseRuns], old: Iterable[CaseRuns]) -> str:
    """Return a line per case of both reports: the change as measured, and with the speed of the machine taken out.

    The second divides each cost by that of the bare write in its own run, and decides. Where the first does not agree
    with it the flag has a question mark: the bare write is as noisy as the rest.
    """
    before = {result.case.name: result for result in old}
    head = ("case", "old us", "new us", "change", "in bare writes", "")
    rows = [_change_row(result, before[result.case.name]) for result in new if result.case.name in before]
    return _aligned([head, *rows]) if rows else "nothing to compare: the reports share no case"


def _case_rows(result: CaseRuns) -> list[Row]:
    bare = result.runs[BARE]
    rows: list[Row] = []
    for side, runs in result.runs.items():
        told = figures(runs)
        cells = [
            result.case.name,
            side,
            f"{told.cpu_us_per_delivery:.2f}",
            f"{told.cpu_us_per_publish:.1f}",
            f"{told.deliveries_per_s:,.0f}",
            f"{told.p50_us:,.0f}",
            f"{told.p99_us:,.0f}",
        ]
        times = ratio(result.case, told.cpu_us_per_delivery, figures(bare).cpu_us_per_delivery)
        judged = ["", ""] if side == BARE else [f"{times:.2f}", verdict(result.case, runs, bare).words]
        rows.append([*cells, *judged])
    return rows


def _ab_row(result: CaseRuns) -> Row:
    ours, theirs = result.runs[BUS], result.runs[AGAINST]
    steps = [a.cpu_us_per_delivery / b.cpu_us_per_delivery - 1 for a, b in zip(ours, theirs, strict=True)]
    costs = [f"{figures(runs).cpu_us_per_delivery:.2f}" for runs in (ours, theirs)]
    return [
        result.case.name,
        *costs,
        *(_percent(step) for step in (median(steps), min(steps), max(steps))),
        _flag(steps),
    ]


def _flag(steps: Sequence[float]) -> str:
    """A change counts when most of the rounds agree with it; rounds that disagree on the direction are noise."""
    middle = median(steps)
    if abs(middle) <= CHANGE_BAR:
        return ""
    agree = sum(step * middle > 0 for step in steps)
    word = "SLOWER" if middle > 0 else "faster"
    return word if agree == len(steps) else f"{word}? {agree} of {len(steps)} rounds agree"


def _change_row(new: CaseRuns, old: CaseRuns) -> Row:
    old_us, new_us = (figures(side.runs[BUS]).cpu_us_per_delivery for side in (old, new))
    old_bare, new_bare = (figures(side.runs[BARE]).cpu_us_per_delivery for side in (old, new))
    measured = new_us / old_us - 1
    scaled = (new_us / new_bare) / (old_us / old_bare) - 1
    costs = [f"{old_us:.2f}", f"{new_us:.2f}"]
    return [new.case.name, *costs, _percent(measured), _percent(scaled), _change_flag(measured, scaled)]


def _change_flag(measured: float, scaled: float) -> str:
    if abs(scaled) <= CHANGE_BAR:
        return ""
    word = "SLOWER" if scaled > 0 else "faster"
    agree = abs(measured) > CHANGE_BAR and measured * scaled > 0
    return word if agree else f"{word}? run both again with --against"


def _percent(part: float) -> str:
    return f"{part:+.1%}"


def _aligned(rows: Sequence[Row], n_names: int = 1) -> str:
    """Columns of text: the first `n_names` and the last to the left, the numbers between them to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    last = len(widths) - 1
    lines = (
        "  ".join(
            cell.ljust(width) if column < n_names or column == last else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)

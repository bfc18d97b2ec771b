"""The parts of the benchmark that measure nothing: texts, arithmetic, verdicts, tables, command line."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from arqonbus.protocol import codec
from tests.bench import report
from tests.bench.arguments import parse
from tests.bench.cases import CASES, MARKER, Case, bare_texts, bus_texts, case_named
from tests.bench.failure import BenchFailure
from tests.bench.generator import IdleRun, Run
from tests.bench.report import CaseRuns, Figures, Report
from tests.bench.servers import bare_side, bus_side, profiled

CASE = Case("1x100-w1", 1, 100, 1, prototype_us=5.0, bare_us=4.0)
LOAD_C = Path(__file__).with_name("load.c").read_text()


def run_of(us_per_delivery: float, *, lost: int = 0, misordered: int = 0, closed: int = 0) -> Run:
    """A run of 2 s with 1,000 deliveries of 100 publishes."""
    return Run(
        seconds=2.0,
        published=100,
        delivered=1000,
        server_cpu_s=us_per_delivery / 1000,
        load_cpu_s=0.5,
        p50_us=10.0,
        p99_us=20.0,
        p999_us=30.0,
        worst_us=40.0,
        lost=lost,
        misordered=misordered,
        closed=closed,
    )


def runs_of(*us_per_delivery: float) -> list[Run]:
    return [run_of(us) for us in us_per_delivery]


def result_of(bus: list[Run], bare: list[Run] | None = None, against: list[Run] | None = None) -> CaseRuns:
    runs = {"bare": bare or runs_of(4.0), "arqonbus": bus}
    return CaseRuns(CASE, runs | {"against": against} if against else runs)


# texts


@pytest.mark.parametrize("text", bus_texts().__struct_fields__)
def test_the_bus_accepts_what_the_generator_sends(text: str) -> None:
    frame = getattr(bus_texts(), text).replace("GGGG", "0007").encode()

    assert codec.decode(frame) is not None


def test_an_event_of_the_benchmark_carries_128_bytes_of_text() -> None:
    event = msgspec.json.decode(bus_texts().publish)

    assert len(event["payload"]["m"]) == 128


def test_a_bare_publish_has_128_bytes() -> None:
    assert len(bare_texts().publish) == 128


@pytest.mark.parametrize("texts", [bus_texts(), bare_texts()])
def test_a_publish_holds_one_marker_and_its_group(texts: object) -> None:
    publish = texts.publish  # type: ignore[attr-defined]  # parametrize erases the type

    assert (publish.count(MARKER), publish.count("@"), publish.count("GGGG")) == (1, 1, 1)


def test_the_marker_is_as_long_as_the_generator_says() -> None:
    digits = [int(re.search(rf"#define {name} (\d+)", LOAD_C)[1]) for name in ("TIME_DIGITS", "NUMBER_DIGITS")]  # type: ignore[index]  # a miss fails the test as well

    assert len(MARKER) == 2 + sum(digits)


def test_a_run_reads_exactly_the_fields_that_the_generator_prints() -> None:
    printed = set(re.findall(r'\\"([a-z0-9_]+)\\":%', LOAD_C))

    assert printed == {*Run.__struct_fields__, *IdleRun.__struct_fields__}


def test_the_names_of_the_cases_say_their_shape() -> None:
    assert [case.name for case in CASES] == [f"{case.groups}x{case.members}-w{case.window}" for case in CASES]


def test_an_unknown_case_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="expected one of 1x100-w1, .*50x1-w8, got 'fast'"):
        case_named("fast")


# arithmetic


def test_the_figures_are_medians_over_the_rounds() -> None:
    assert report.figures(runs_of(9.0, 2.0, 3.0)) == Figures(
        cpu_us_per_delivery=3.0, cpu_us_per_publish=30.0, deliveries_per_s=500.0, p50_us=10.0, p99_us=20.0
    )


def test_a_machine_twice_as_slow_does_not_change_the_ratio() -> None:
    assert (report.ratio(CASE, 5.0, 4.0), report.ratio(CASE, 10.0, 8.0)) == (1.0, 1.0)


def test_the_ratio_grows_with_the_cost_of_the_side_alone() -> None:
    assert report.ratio(CASE, 7.5, 4.0) == 1.5


# verdicts


def test_a_case_at_the_bar_passes() -> None:
    assert report.verdict(CASE, runs_of(6.5), runs_of(4.0)) == report.Verdict(True, "ok")


def test_a_case_beyond_the_bar_fails_with_its_ratio() -> None:
    assert report.verdict(CASE, runs_of(7.0), runs_of(4.0)) == report.Verdict(False, "MISSED: 1.40 > 1.3")


@pytest.mark.parametrize("fault", ["lost", "misordered", "closed"])
def test_a_fast_case_with_a_fault_in_any_round_fails(fault: str) -> None:
    runs = [run_of(1.0), run_of(1.0, **{fault: 3})]

    assert report.verdict(CASE, runs, runs_of(4.0)) == report.Verdict(False, f"FAULTY: 3 {fault}")


@pytest.mark.parametrize(("grown", "ok"), [(10240, True), (10241, False)])
def test_an_idle_connection_may_cost_ten_kilobytes(grown: int, ok: bool) -> None:
    run = IdleRun(connections=100, rss_before=5000, rss_after=5000 + 100 * grown, server_cpu_s=0.1)

    assert report.idle_verdict(run).ok is ok


# tables


def test_the_table_has_a_line_per_side_and_a_verdict_for_the_bus() -> None:
    assert report.case_table([result_of(runs_of(5.0))]).splitlines() == [
        "case      side      us/delivery  us/publish  deliveries/s  p50 us  p99 us  x prototype  verdict",
        "1x100-w1  bare             4.00        40.0           500      10      20",
        "1x100-w1  arqonbus         5.00        50.0           500      10      20         1.00  ok",
    ]


def test_ab_compares_round_by_round() -> None:
    table = report.ab_table([result_of(runs_of(2.2, 4.4, 6.6), against=runs_of(2.0, 4.0, 6.0))])

    assert table.splitlines()[1].split() == ["1x100-w1", "4.40", "4.00", "+10.0%", "+10.0%", "+10.0%", "SLOWER"]


def test_ab_says_when_the_rounds_disagree() -> None:
    table = report.ab_table([result_of(runs_of(0.9, 0.9, 1.2), against=runs_of(1.0, 1.0, 1.0))])

    assert table.endswith("faster? 2 of 3 rounds agree")


@pytest.mark.parametrize(
    ("new", "new_bare", "flag"),
    [
        (5.1, 4.0, "+2.0%"),
        (5.2, 4.0, "SLOWER"),
        (4.8, 4.0, "faster"),
        (10.0, 8.0, "+0.0%"),
        (5.0, 3.0, "SLOWER? run both again with --against"),
    ],
)
def test_a_change_of_more_than_three_percent_is_flagged(new: float, new_bare: float, flag: str) -> None:
    told = report.changes([result_of(runs_of(new), runs_of(new_bare))], [result_of(runs_of(5.0))])

    assert told.endswith(flag)


def test_reports_without_a_common_case_say_so() -> None:
    assert report.changes([result_of(runs_of(1.0))], []) == "nothing to compare: the reports share no case"


def test_a_report_survives_its_file() -> None:
    told = Report("3.11", "some cpu", 2.0, [result_of(runs_of(1.0, 2.0))])

    assert msgspec.json.decode(msgspec.json.encode(told), type=Report) == told


# servers


def test_the_bare_side_is_a_script_with_its_port() -> None:
    assert bare_side().command[1:] == (str(Path(__file__).with_name("bare.py")), "{port}")


def test_a_folder_without_the_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchFailure, match="expected a checkout of the project"):
        bus_side("against", tmp_path)


def test_a_profiled_side_runs_the_same_module_under_the_profiler(tmp_path: Path) -> None:
    side = profiled(bus_side("arqonbus", Path(__file__).parents[2]), tmp_path / "out")

    assert side.command[1:7] == ("-m", "cProfile", "-o", str(tmp_path / "out"), "-m", "arqonbus")


# command line


def test_without_arguments_every_case_is_measured_in_three_rounds() -> None:
    told = parse([])

    assert (told.cases, told.rounds, told.seconds, told.idle, told.profile) == (CASES, 3, 2.0, 0, None)


def test_the_checkout_under_test_is_this_one() -> None:
    assert parse([]).checkout == Path(__file__).resolve().parents[2]


def test_cases_can_be_chosen() -> None:
    told = parse(["--case", "50x1-w1", "--case", "1x100-w8"])

    assert [case.name for case in told.cases] == ["50x1-w1", "1x100-w8"]


@pytest.mark.parametrize(
    "words",
    [
        ["--case", "fast"],
        ["--rounds", "0"],
        ["--rounds", "x"],
        ["--seconds", "0"],
        ["--seconds", "60"],
        ["--seconds", "nan"],
        ["--idle", "-1"],
        ["--compare", "/does/not/exist.json"],
        ["--against", "/does/not/exist"],
    ],
)
def test_a_wrong_argument_ends_with_code_2_and_says_what_was_expected(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(words)

    assert (ended.value.code, "expected" in capsys.readouterr().err) == (2, True)

"""What a run must reach, and how two runs differ."""

import msgspec
import pytest

from arqonbus.cli.bench.marks import Mark, changes, parse, unlike
from arqonbus.cli.bench.record import record_of
from tests.cli.bench.test_plan import plan
from tests.cli.bench.test_record import GOOD, STATUS

RUN = record_of(plan(), GOOD, STATUS)


def with_p99(ms: float) -> object:
    return msgspec.structs.replace(RUN, latency_ms={**RUN.latency_ms, "p99": ms})


def test_marks_are_read() -> None:
    assert parse("p99>5ms") == Mark("p99", True, 5.0, False, "p99>5ms")
    assert parse(" p99.9 > 5 ") == Mark("p99.9", True, 5.0, False, "p99.9 > 5")
    assert parse("p50>+20%") == Mark("p50", True, 20.0, True, "p50>+20%")
    assert parse("received_per_s<-5%") == Mark("received_per_s", False, -5.0, True, "received_per_s<-5%")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fast", "expected such as p99>5ms"),
        ("p98>5", "expected one of p50, "),
        ("p99>5%", "expected a change as"),
        ("p99>+5", "expected a change as"),
        ("lost>5ms", "lost is not in ms"),
    ],
)
def test_a_mark_that_is_none_is_told_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("+", r"\+")):
        parse(text)


@pytest.mark.parametrize(
    ("text", "ms", "words"),
    [
        ("p99>5ms", 5.0, ""),
        ("p99>5ms", 5.5, "p99 is 5.5, above 5 (p99>5ms)"),
        ("p99<5", 4.5, "p99 is 4.5, below 5 (p99<5)"),
        ("p99>+20%", 11.9, ""),
        ("p99>+20%", 12.5, "p99 is 12.5, above 12 (p99>+20%)"),
        ("p99<-20%", 7.5, "p99 is 7.5, below 8 (p99<-20%)"),
        ("lost>0", 1.0, ""),
    ],
)
def test_a_run_breaks_a_mark_or_does_not(text: str, ms: float, words: str) -> None:
    assert parse(text).broken(with_p99(ms), with_p99(10.0)) == words  # type: ignore[arg-type]


def test_changes_are_told_in_percent_and_what_is_none_in_both_is_left_out() -> None:
    told = {name: (old, new, change) for name, old, new, change in changes(with_p99(12.0), with_p99(10.0))}  # type: ignore[arg-type]

    assert told["p99"] == (10.0, 12.0, "+20 %")
    assert told["sent_per_s"][2] == "+0 %"
    assert "lost" not in told
    lost = msgspec.structs.replace(RUN, lost=3)
    assert ("lost", 0, 3, "was 0") in changes(lost, RUN)


def test_runs_that_are_not_alike_are_told_to_be() -> None:
    other_machine = msgspec.structs.replace(RUN.machine, cpus=999)
    other = msgspec.structs.replace(RUN, clients=7, machine=other_machine)

    assert unlike(RUN, RUN) == []
    assert unlike(other, RUN) == ["clients was 5, is 7", "machine"]

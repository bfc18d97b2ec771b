"""A run in words."""

import msgspec

from arqonbus.cli.bench.report import comparison, report
from tests.cli.bench.test_marks import RUN


def test_a_report_says_what_was_measured_and_whether_it_is_valid() -> None:
    lines = list(report(RUN))

    assert lines[0] == "fanout: 5 readers of one channel, 100/s of 10 bytes, 2 s after 1 s of warm-up"
    assert [line.split()[0] for line in lines[1:]] == [
        *("server", "latency", "rate", "messages", "generator", "verdict"),
    ]
    assert "1,500 of 1,500 received, 0 lost, 0 twice, 0 out of order, 0 connections cut" in lines[4]
    assert lines[-1] == "verdict    valid"


def test_a_run_that_is_not_valid_says_why() -> None:
    run = msgspec.structs.replace(RUN, valid=False, doubts=("one", "two"))

    assert list(report(run))[-1] == "verdict    NOT VALID: one; two"


def test_a_comparison_has_a_row_for_each_figure_and_says_what_was_not_alike() -> None:
    before = msgspec.structs.replace(RUN, rate=50.0, valid=False, doubts=("one",))
    lines = list(comparison(RUN, before))

    assert lines[1].split() == ["compared", "before", "now", "change"]
    assert lines[2].split()[0] == "p50"
    assert lines[-2:] == [
        "not alike: rate was 50.0, is 100.0",
        "not alike: the earlier run was not valid: one",
    ]

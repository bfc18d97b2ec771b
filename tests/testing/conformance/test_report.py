"""The report: counts by area, and of a failure what was expected, what came, and where the contract says it."""

from arqonbus.testing.conformance.report import areas, failure_lines, shown, skipped_lines, total
from arqonbus.testing.conformance.verdict import Outcome

OUTCOMES = [
    Outcome("frame: a", "passed", ("001/FR-001",), 5),
    Outcome("frame: b", "failed", ("001/FR-002", "001/FR-003"), 7, expected={"code": "x"}, got="y"),
    Outcome("drain: c", "skipped", ("002/FR-013",), 0, reason="no --drain-pid"),
]


def test_areas_are_counted_in_the_order_in_which_they_come() -> None:
    assert [(a.name, a.passed, a.failed, a.skipped, a.took_ms) for a in areas(OUTCOMES)] == [
        ("frame", 1, 1, 0, 12),
        ("drain", 0, 0, 1, 0),
    ]
    assert (total(OUTCOMES).passed, total(OUTCOMES).failed, total(OUTCOMES).skipped) == (1, 1, 1)


def test_a_failure_names_both_sides_and_the_contract() -> None:
    assert failure_lines(OUTCOMES[1]) == [
        "FAILED frame: b",
        '  expected  {"code": "x"}',
        "  got       y",
        "  contract  001/FR-002, 001/FR-003  (specs/, docs/PROTOCOL.md)",
    ]


def test_a_skipped_case_says_why() -> None:
    assert skipped_lines(OUTCOMES) == ["skipped: drain: c: no --drain-pid"]


def test_what_is_long_is_cut() -> None:
    assert len(shown(["x" * 10_000])) < 2100

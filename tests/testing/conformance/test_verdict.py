"""Verdicts: a check that does not hold says what was expected, and what came."""

import pytest

from arqonbus.testing.conformance.verdict import Failed, check


def test_a_check_that_holds_says_nothing() -> None:
    check([1], [1], "the list")


def test_a_check_that_does_not_hold_names_both_sides() -> None:
    with pytest.raises(Failed) as failure:
        check(1, 2, "the count")

    assert (failure.value.expected, failure.value.got) == ("the count: 1", 2)

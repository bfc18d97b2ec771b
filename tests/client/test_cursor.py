"""What is missing between where a reader was and where it goes on: the table of R35."""

import pytest

from arqonbus.client.cursor import EPOCH_CHANGED, NOWHERE, Cursor, Outcome, lost_between
from arqonbus.client.message import Gap
from arqonbus.protocol.payloads import Lost

AT_5 = Cursor("e1", 5)


@pytest.mark.rules("R35", "R37")
@pytest.mark.parametrize("reason", ["evicted", "over_limit", "disabled", "a_newer_word"])
def test_what_the_server_lost_is_a_gap_with_its_reason(reason: str) -> None:
    outcome = Outcome("e1", 9, False, reason, Lost(6, 9))

    assert lost_between(AT_5, 9, outcome) == Gap(6, 9, 4, reason, True, "e1")


@pytest.mark.rules("R35")
def test_a_reader_that_was_further_than_the_others_has_lost_less() -> None:
    outcome = Outcome("e1", 9, False, "evicted", Lost(3, 9))

    assert lost_between(AT_5, 9, outcome) == Gap(6, 9, 4, "evicted", True, "e1")
    assert lost_between(Cursor("e1", 9), 9, outcome) is None


@pytest.mark.rules("R35")
def test_a_new_epoch_is_a_gap_that_is_not_exact() -> None:
    outcome = Outcome("e2", 3, False, EPOCH_CHANGED, Lost(1, 3))

    assert lost_between(AT_5, 3, outcome) == Gap(1, 3, 3, EPOCH_CHANGED, False, "e2")


@pytest.mark.rules("R35")
@pytest.mark.parametrize("start", [0, 2])
def test_a_new_epoch_is_a_gap_even_where_nothing_of_it_is_lost(start: int) -> None:
    outcome = Outcome("e2", start, False, EPOCH_CHANGED)

    assert lost_between(AT_5, start, outcome) == Gap(1, start, start, EPOCH_CHANGED, False, "e2")


@pytest.mark.rules("R35")
def test_a_replay_of_all_that_was_wanted_leaves_no_gap() -> None:
    assert lost_between(AT_5, 5, Outcome("e1", 9, False, "over_limit", None, 4)) is None


def test_a_reader_from_nowhere_takes_the_range_as_it_is() -> None:
    outcome = Outcome("e1", 9, False, "evicted", Lost(3, 9))

    assert lost_between(NOWHERE, 9, outcome) == Gap(3, 9, 7, "evicted", True, "e1")

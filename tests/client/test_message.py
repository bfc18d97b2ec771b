"""Messages and gaps."""

import pytest

from arqonbus.client.message import Gap


@pytest.mark.rules("R37")
def test_two_gaps_in_a_row_are_one_with_the_first_reason() -> None:
    first, later = Gap(1, 3, 3, "evicted", True, "e1"), Gap(4, 4, 1, "overflow", True, "e1")

    assert first.and_then(later) == Gap(1, 4, 4, "evicted", True, "e1")
    assert first.and_then(None) is first


@pytest.mark.rules("R37")
def test_over_a_change_of_epoch_the_numbers_are_those_of_the_new_one() -> None:
    first, later = Gap(6, 9, 4, "overflow", True, "e1"), Gap(1, 2, 2, "epoch_changed", False, "e2")

    assert first.and_then(later) == Gap(1, 2, 6, "overflow", False, "e2")

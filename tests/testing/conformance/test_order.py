"""What is out of order is named where it begins."""

import pytest

from arqonbus.testing.conformance.order import contiguous
from arqonbus.testing.conformance.verdict import Failed


def test_all_seqs_in_order_are_right() -> None:
    contiguous([3, 4, 5], 3, 5, "here")
    contiguous([], 1, 0, "here")


@pytest.mark.parametrize(("seqs", "near"), [([1, 3], [1, 3]), ([1, 2, 2, 3], [1, 2, 2, 3]), ([2, 1, 3], [2, 1, 3])])
def test_the_first_fault_is_shown(seqs: list[int], near: list[int]) -> None:
    with pytest.raises(Failed) as failure:
        contiguous(seqs, 1, 3, "here")

    assert failure.value.got == near

"""The oracle of the recovery matrix, against the tables of specs/006."""

from typing import Any

import pytest

from arqonbus.testing.conformance.recovery import Kept, expected


def answer(recovered: bool, reason: str | None, lost: tuple[int, int] | None, first: int | None) -> dict[str, Any]:
    told = {"from": lost[0], "to": lost[1]} if lost else None
    return {"recovered": recovered, "reason": reason, "lost": told, "first_available": first}


@pytest.mark.parametrize(
    ("kept", "since", "way", "is_same", "told", "replayed"),
    [
        (Kept(0, None), 0, "strict", True, answer(True, None, None, None), []),
        (Kept(0, None), 1, "latest", True, answer(False, "epoch_changed", None, None), []),
        (Kept(5, 1), 2, "strict", True, answer(True, None, None, None), [3, 4, 5]),
        (Kept(8, 6), 2, "strict", True, answer(False, "evicted", (3, 8), 6), []),
        (Kept(8, 6), 2, "best_effort", True, answer(False, "evicted", (3, 5), 6), [6, 7, 8]),
        (Kept(8, 6), 2, "latest", True, answer(False, "evicted", (3, 7), 6), [8]),
        (Kept(4, None), 2, "best_effort", True, answer(False, "evicted", (3, 4), None), []),
        (Kept(4, None, "disabled"), 4, "strict", True, answer(True, None, None, None), []),
        (Kept(2, 1), 1, "strict", False, answer(False, "epoch_changed", (1, 2), 1), []),
        (Kept(2, 1), 1, "best_effort", False, answer(False, "epoch_changed", None, 1), [1, 2]),
        (Kept(2, 1), 1, "latest", False, answer(False, "epoch_changed", (1, 1), 1), [2]),
    ],
)
def test_the_oracle_says_what_the_spec_says(
    kept: Kept, since: int, way: str, is_same: bool, told: dict[str, Any], replayed: list[int]
) -> None:
    assert expected(kept, since, way, is_same_epoch=is_same) == (told, replayed)

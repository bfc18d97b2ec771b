"""What the answer to a join must say, row by row."""

from typing import Any

import pytest

from arqonbus.testing.promises import Keeping, why_wrong

ALL = Keeping(limit=10, is_sure=True, replays_all=True)
SOME = Keeping(limit=10, is_sure=False, replays_all=False)
NONE = Keeping(limit=0, is_sure=True, replays_all=True)


def answer(seq: int, replayed: int = 0, reason: str | None = None, **more: Any) -> dict[str, Any]:
    result = {"epoch": "e", "seq": seq, "recovered": False, "reason": reason, "replayed": replayed}
    return {**result, **more}


def since(seq: int, epoch: str = "e", recover: str | None = None) -> dict[str, Any]:
    return {"since": {"epoch": epoch, "seq": seq}, "recover": recover}


RIGHT = [
    ({}, answer(7), ALL),
    ({"replay": 3}, answer(7, 3), ALL),
    ({"replay": 30}, answer(7, 7), ALL),
    ({"replay": 30}, answer(20, 10), ALL),
    ({"replay": 3}, answer(7, 1), SOME),
    ({"replay": 3}, answer(7), NONE),
    (since(4), answer(7, 3, recovered=True), ALL),
    (since(7), answer(7, 0, recovered=True), NONE),
    (since(4), answer(20, 0, "evicted", lost={"from": 5, "to": 20}), ALL),
    (since(4), answer(7, 0, "evicted", lost={"from": 5, "to": 7}), SOME),
    (since(4), answer(7, 0, "over_limit", lost={"from": 5, "to": 7}), SOME),
    (since(4), answer(7, 0, "disabled", lost={"from": 5, "to": 7}), NONE),
    (since(4, recover="best_effort"), answer(20, 10, "evicted", lost={"from": 5, "to": 10}), ALL),
    (since(4, recover="latest"), answer(20, 1, "evicted", lost={"from": 5, "to": 19}), ALL),
    (since(9, "old"), answer(2, 0, "epoch_changed", lost={"from": 1, "to": 2}), ALL),
    (since(9, "old", "best_effort"), answer(2, 2, "epoch_changed"), ALL),
    (since(9, "old"), answer(0, 0, "epoch_changed"), NONE),
]

WRONG = [
    ({}, answer(7, recovered=True), ALL, "speaks of recovery"),
    ({"replay": 3}, answer(7, 4), ALL, "replays 4 events instead of 3"),
    ({"replay": 3}, answer(7, 2), ALL, "replays 2 events instead of 3"),
    (since(4), answer(7, 2, recovered=True), ALL, "recovered from 4 to 7 with 2"),
    (since(8), answer(7, 0, recovered=True), ALL, "recovered from 8 to 7"),
    (since(4, "old"), answer(7, 3, recovered=True), ALL, "across epochs"),
    (since(4), answer(7, 0, "evicted", lost={"from": 5, "to": 7}), ALL, "history keeps 10"),
    (since(4), answer(7, 0, "over_limit", lost={"from": 5, "to": 7}), ALL, "over the limit"),
    (since(4), answer(7, 0, "disabled", lost={"from": 5, "to": 7}), ALL, "gives the reason disabled"),
    (since(4), answer(7, 0, "epoch_changed", lost={"from": 1, "to": 7}), ALL, "gives the reason epoch_changed"),
    (since(4), answer(20, 1, "evicted", lost={"from": 5, "to": 19}), ALL, "asked for strict"),
    (since(4), answer(20, 0, "evicted", lost={"from": 6, "to": 20}), ALL, "owns the loss"),
    (since(4), answer(20, 0, "evicted"), ALL, "owns the loss of None"),
]


@pytest.mark.parametrize(("args", "result", "keeping"), RIGHT)
def test_an_answer_that_keeps_the_promise_is_right(
    args: dict[str, Any], result: dict[str, Any], keeping: Keeping
) -> None:
    assert why_wrong(args, result, keeping) is None


@pytest.mark.parametrize(("args", "result", "keeping", "why"), WRONG)
def test_an_answer_that_breaks_it_is_wrong(
    args: dict[str, Any], result: dict[str, Any], keeping: Keeping, why: str
) -> None:
    assert why in (why_wrong(args, result, keeping) or "")

"""Nodes over a store that fails: nothing twice, nothing out of order, what is missing is said; and the checker sees."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from arqonbus.routing.recovery import Recovery
from arqonbus.routing.shared_channel import SharedChannel
from arqonbus.routing.shared_news import restored
from arqonbus.storage.shared_log import Arrived
from arqonbus.testing.store_log import StoreLog
from tests.flow.shared_run import Run

SEEDS = int(os.environ.get("ARQONBUS_SHARED_SEEDS", "40"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_fails_every_member_is_told_the_truth(seed: int) -> None:
    Run(seed).play()


@pytest.mark.parametrize("seed", range(SEEDS // 2))
def test_channels_that_are_deleted_now_and_then_are_told_to_be_gone(seed: int) -> None:
    Run(seed, deletes=True).play()


@pytest.mark.parametrize("seed", range(SEEDS // 4))
def test_where_nothing_fails_everything_is_acknowledged_and_told(seed: int) -> None:
    run = Run(seed, faults=0)
    run.play()

    for member in run.members:
        for book in member.books.values():
            assert book.epoch in ("", *{epoch for _, epoch, _ in run.places})


def _follow_twice(self: Any, new: Any) -> None:
    marks = [one.mark for one in new]
    self._sent = type(self._sent)(self._sent.epoch, new[-1].seq)
    for _ in range(2):
        self._send(Arrived(self._sent.epoch, new[0].seq, [one.text for one in new]), marks)


PLANTED: dict[str, Callable[[pytest.MonkeyPatch], Any]] = {
    "a change of the epoch is not told": lambda patch: patch.setattr(
        "arqonbus.routing.shared_channel.shared_news.gap", lambda place, *more: restored(place)
    ),
    "a recovery is claimed that was none": lambda patch: patch.setattr(
        "arqonbus.routing.channel.recover", lambda *args: Recovery(recovered=True)
    ),
    "local events get the seqs of the store": lambda patch: patch.setattr(
        SharedChannel, "_go_alone", lambda self: None
    ),
    "the feed repeats what it told": lambda patch: patch.setattr(StoreLog, "_follow", _follow_twice),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    PLANTED[fault](monkeypatch)

    for seed in range(60):
        try:
            Run(seed).play()
        except AssertionError:
            return
    pytest.fail(f"{fault}: not found")

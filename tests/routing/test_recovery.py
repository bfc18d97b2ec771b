"""What a join replays: arithmetic over one log."""

from typing import Any

import pytest
from msgspec import UNSET

from arqonbus.actor.testing import FakeClock
from arqonbus.protocol.payloads import JoinChannelArgs, Lost, Position
from arqonbus.routing.recovery import Recovery, ReplayCap, recover
from arqonbus.storage.history import Log, Retention
from arqonbus.storage.memory import MemoryHistory


def log_of(n: int, keeps: int = 100) -> Log:
    """A log of ``n`` events b"1", b"2" ..., of which the newest ``keeps`` are kept."""
    history = MemoryHistory(1_000_000, 3600.0, FakeClock().time, lambda: "e1")
    log = history.open("r", "c", Retention(keeps, 3600.0, 100_000))
    for k in range(1, n + 1):
        log.append([str(k).encode()])
    return log


def joined(log: Log, most: int = 100, **args: Any) -> Recovery:
    return recover(log, JoinChannelArgs("r", "c", **args), ReplayCap(most, 100_000))


def at(seq: int, epoch: str = "e1") -> Position:
    return Position(epoch, seq)


def test_a_plain_join_replays_nothing_and_recovers_nothing() -> None:
    assert joined(log_of(5)) == Recovery()
    assert joined(log_of(5), replay=0) == Recovery()


@pytest.mark.parametrize(("n", "texts"), [(2, (b"4", b"5")), (99, (b"1", b"2", b"3", b"4", b"5"))])
def test_a_first_join_replays_the_newest(n: int, texts: tuple[bytes, ...]) -> None:
    assert joined(log_of(5), replay=n) == Recovery(texts)


def test_a_first_join_replays_no_more_than_the_most() -> None:
    assert joined(log_of(5), most=3, replay=5).texts == (b"3", b"4", b"5")


def test_all_that_follows_is_replayed() -> None:
    assert joined(log_of(5), since=at(2)) == Recovery((b"3", b"4", b"5"), True)
    assert joined(log_of(5), since=at(0), most=5).texts == (b"1", b"2", b"3", b"4", b"5")
    assert joined(log_of(5), since=at(5)) == Recovery((), True)
    assert joined(log_of(0), since=at(0)) == Recovery((), True)


@pytest.mark.parametrize(
    ("recover_as", "expected"),
    [
        ("strict", Recovery((), False, "evicted", Lost(2, 6), 5)),
        ("best_effort", Recovery((b"5", b"6"), False, "evicted", Lost(2, 4), 5)),
        ("latest", Recovery((b"6",), False, "evicted", Lost(2, 5), 5)),
        (None, Recovery((), False, "evicted", Lost(2, 6), 5)),
    ],
)
def test_what_is_not_kept_any_more_is_owned(recover_as: Any, expected: Recovery) -> None:
    assert joined(log_of(6, keeps=2), since=at(1), recover=recover_as) == expected


def test_what_begins_where_the_log_begins_is_not_lost() -> None:
    assert joined(log_of(6, keeps=2), since=at(4)) == Recovery((b"5", b"6"), True)


@pytest.mark.parametrize("since", [at(3, "e0"), at(7)])
def test_a_position_of_another_life_is_worth_nothing(since: Position) -> None:
    assert joined(log_of(6), since=since) == Recovery((), False, "epoch_changed", Lost(1, 6), 1)
    assert joined(log_of(6), since=since, recover="best_effort").lost is UNSET
    assert joined(log_of(6), since=since, recover="latest") == Recovery((b"6",), False, "epoch_changed", Lost(1, 5), 1)


def test_nothing_is_lost_of_another_life_that_is_still_empty() -> None:
    assert joined(log_of(0), since=at(3, "e0")) == Recovery((), False, "epoch_changed")


def test_more_than_the_most_is_not_replayed() -> None:
    assert joined(log_of(9), most=3, since=at(5)) == Recovery((), False, "over_limit", Lost(6, 9), 1)
    assert joined(log_of(9), most=3, since=at(5), recover="best_effort") == Recovery(
        (b"7", b"8", b"9"), False, "over_limit", Lost(6, 6), 1
    )


def test_without_history_all_is_lost() -> None:
    log = log_of(5, keeps=0)

    assert joined(log, replay=3) == Recovery()
    assert joined(log, since=at(5)) == Recovery((), True)
    assert joined(log, since=at(3), recover="latest") == Recovery((), False, "disabled", Lost(4, 5))


@pytest.mark.parametrize("mode", ["strict", "best_effort", "latest"])
def test_what_is_replayed_and_what_is_lost_make_up_what_was_missed(mode: Any) -> None:
    for keeps in range(7):
        log = log_of(6, keeps)
        for seq in range(7):
            outcome = joined(log, most=4, since=at(seq), recover=mode)
            lost = [] if isinstance(outcome.lost, type(UNSET)) else range(outcome.lost.first, outcome.lost.last + 1)
            replayed = [int(text) for text in outcome.texts]
            assert [*lost, *replayed] == list(range(seq + 1, 7))
            assert outcome.recovered is not bool(lost) or outcome.reason is not None

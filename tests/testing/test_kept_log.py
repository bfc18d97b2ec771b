"""A log as a store keeps it: places, keys, bounds, and going back in time."""

from __future__ import annotations

from arqonbus.storage.history import Retention
from arqonbus.storage.shared_log import Entry, Stored
from arqonbus.testing.kept_log import KeptLog

MUCH = Retention(100, 100.0, 10_000)


def filled(n: int, retention: Retention = MUCH) -> KeptLog:
    log = KeptLog("1", b"", retention)
    log.append([Entry(b"%d" % i, f"k{i}") for i in range(1, n + 1)])
    return log


def test_a_key_gets_the_place_that_it_had() -> None:
    log = filled(3)

    assert log.append([Entry(b"2", "k2"), Entry(b"4")])[0] == [Stored("1", 2, duplicate=True), Stored("1", 4)]


def test_each_bound_holds() -> None:
    assert [one.seq for one in filled(5, Retention(2, 100.0, 1000)).kept] == [4, 5]
    assert [one.seq for one in filled(5, Retention(9, 100.0, 3)).kept] == [3, 4, 5]
    old = filled(5)
    old.now = 101.0
    assert list(old.kept) == []
    assert not filled(1, Retention(0, 1.0, 1)).kept


def test_what_it_goes_back_behind_is_new_again_and_the_rest_is_renumbered() -> None:
    log = filled(5, Retention(4, 100.0, 1000))
    log.rewind("2", 2)

    assert [(one.seq, one.text) for one in log.kept] == [(1, b"2"), (2, b"3")]
    outcomes, _ = log.append([Entry(b"3", "k3"), Entry(b"5", "k5")])
    assert outcomes == [Stored("2", 2, duplicate=True), Stored("2", 3)]


def test_it_reads_as_a_log_does() -> None:
    page = filled(5).read(after=1, limit=2, newest_first=True)

    assert (list(page.events), page.more, page.first, page.last) == ([(5, b"5"), (4, b"4")], True, 1, 5)

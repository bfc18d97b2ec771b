"""What every History promises. A test module of an implementation subclasses this and gives the fixture ``world``."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from arqonbus.storage.history import History, Log, Retention

__all__ = ["HistoryContract", "StoreWorld"]

MUCH = Retention(messages=1000, age_s=3600.0, size_bytes=1_000_000)


class StoreWorld(NamedTuple):
    """A store, and the clock that it looks at."""

    history: History
    advance: Callable[[float], None]


def fill(log: Log, n: int, text: bytes = b"x") -> None:
    for _ in range(n):
        log.append([text])


def seqs(log: Log) -> list[int]:
    return [seq for seq, _ in log.read(limit=1000).events]


class HistoryContract:
    """The suite. Expected values are literal: they hold for every store."""

    def test_a_new_log_is_empty_at_position_zero(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", MUCH)

        page = log.read()
        assert (log.top, list(page.events), page.more, page.first, page.last) == (0, [], False, 0, 0)
        assert log.keeps is True
        assert log.epoch

    def test_events_get_the_positions_that_follow(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", MUCH)

        assert log.append([b"a", b"b"]) == 2
        assert log.append([b"c"]) == 3
        assert list(log.read().events) == [(1, b"a"), (2, b"b"), (3, b"c")]

    def test_a_page_says_what_is_kept_and_whether_there_is_more(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", MUCH)
        fill(log, 5)

        page = log.read(limit=2)
        assert ([seq for seq, _ in page.events], page.more, page.first, page.last) == ([1, 2], True, 1, 5)

    def test_bounds_are_exclusive_and_hold_in_both_orders(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", MUCH)
        fill(log, 9)

        assert [seq for seq, _ in log.read(after=3, before=7).events] == [4, 5, 6]
        assert [seq for seq, _ in log.read(after=3, before=7, newest_first=True).events] == [6, 5, 4]
        assert [seq for seq, _ in log.read(after=3, before=7, newest_first=True, limit=2).events] == [6, 5]
        assert list(log.read(after=9).events) == []
        assert list(log.read(before=1).events) == []
        assert list(log.read(after=6, before=5).events) == []

    def test_a_page_stops_at_its_size_but_has_one_event_at_least(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", MUCH)
        fill(log, 5, b"x" * 10)

        assert [seq for seq, _ in log.read(size_bytes=25).events] == [1, 2]
        assert log.read(size_bytes=25).more is True
        assert [seq for seq, _ in log.read(size_bytes=1).events] == [1]
        assert [seq for seq, _ in log.read(size_bytes=50).events] == [1, 2, 3, 4, 5]

    def test_the_oldest_go_when_there_are_too_many(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", Retention(3, 3600.0, 1000))
        fill(log, 5)

        assert (seqs(log), log.top) == ([3, 4, 5], 5)

    def test_more_at_once_than_are_kept_leaves_the_newest(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", Retention(2, 3600.0, 1000))

        log.append([b"a", b"b", b"c"])
        assert list(log.read().events) == [(2, b"b"), (3, b"c")]

    def test_the_oldest_go_when_they_are_too_large(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", Retention(100, 3600.0, 35))
        fill(log, 5, b"x" * 10)

        assert seqs(log) == [3, 4, 5]

    def test_an_event_larger_than_all_that_is_kept_leaves_nothing(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", Retention(100, 3600.0, 35))
        fill(log, 2)
        log.append([b"x" * 50])

        assert (seqs(log), log.top) == ([], 3)

    def test_events_go_when_they_are_too_old(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", Retention(100, 10.0, 1000))
        for _ in range(4):
            fill(log, 1)
            world.advance(4)

        assert seqs(log) == [3, 4]
        world.advance(20)
        assert (seqs(log), log.top, log.read().first) == ([], 4, 0)

    def test_a_log_may_keep_nothing_and_still_count(self, world: StoreWorld) -> None:
        for channel, retention in [("none", Retention(0, 10.0, 1000)), ("no_bytes", Retention(10, 10.0, 0))]:
            log = world.history.open("r", channel, retention)
            assert log.append([b"a", b"b"]) == 2
            assert (log.keeps, seqs(log), log.top) == (False, [], 2)

    def test_other_bounds_hold_at_once(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", MUCH)
        fill(log, 10)

        log.retain(Retention(4, 3600.0, 1000))
        assert seqs(log) == [7, 8, 9, 10]
        log.retain(Retention(4, 3600.0, 2))
        assert seqs(log) == [9, 10]

    def test_a_closed_log_is_there_when_it_is_opened_again(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", MUCH)
        epoch = log.epoch
        fill(log, 3)
        log.close()
        log.close()

        again = world.history.open("r", "c", Retention(2, 3600.0, 1000))
        assert (again.epoch, again.top, seqs(again)) == (epoch, 3, [2, 3])
        assert again.append([b"next"]) == 4

    def test_holds_says_whether_events_are_kept(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", Retention(100, 10.0, 1000))

        assert not world.history.holds("r", "c")
        assert not world.history.holds_any("r")
        fill(log, 1)
        assert world.history.holds("r", "c")
        assert not world.history.holds("r", "other")
        assert not world.history.holds("other", "c")
        assert world.history.holds_any("r")
        world.advance(11)
        assert not world.history.holds("r", "c")
        assert not world.history.holds_any("r")

    def test_a_deleted_log_begins_anew_in_another_epoch(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", MUCH)
        fill(log, 3)
        epoch = log.epoch
        world.history.delete("r", "c")
        world.history.delete("r", "c")

        again = world.history.open("r", "c", MUCH)
        assert (again.top, seqs(again), again.epoch == epoch) == (0, [], False)

    def test_logs_do_not_mix(self, world: StoreWorld) -> None:
        one, two = world.history.open("r", "c", MUCH), world.history.open("r", "d", MUCH)
        other_room = world.history.open("r.c", "c", MUCH)
        fill(one, 3)
        fill(two, 1)

        assert (one.top, two.top, other_room.top) == (3, 1, 0)
        assert len({one.epoch, two.epoch, other_room.epoch}) == 3

    def test_a_sweep_forgets_nothing_that_is_young(self, world: StoreWorld) -> None:
        log = world.history.open("r", "c", MUCH)
        fill(log, 3)
        log.close()

        world.history.sweep()
        assert world.history.holds("r", "c")

    def test_the_store_says_what_it_is(self, world: StoreWorld) -> None:
        assert world.history.backend in ("memory", "redis")

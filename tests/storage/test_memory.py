"""The store in memory: the contract, its bounds over all logs, and its law against a plain model."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arqonbus.actor.testing import FakeClock
from arqonbus.storage import memory
from arqonbus.storage.history import Retention
from arqonbus.storage.memory import MemoryHistory
from tests.storage.contract import MUCH, HistoryContract, StoreWorld, fill, seqs


def history(clock: FakeClock, total_bytes: int = 1_000_000, position_ttl_s: float = 3600.0) -> MemoryHistory:
    epochs = count(1)
    return MemoryHistory(total_bytes, position_ttl_s, clock.time, lambda: f"epoch-{next(epochs)}")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class TestMemory(HistoryContract):
    """The contract."""

    @pytest.fixture
    def world(self, clock: FakeClock) -> StoreWorld:
        return StoreWorld(history(clock), clock.advance)


def test_it_is_the_memory_store(clock: FakeClock) -> None:
    assert history(clock).backend == "memory"


def test_size_and_length_follow_what_is_kept(clock: FakeClock) -> None:
    store = history(clock)
    log = store.open("r", "c", Retention(3, 10.0, 1000))
    fill(log, 5, b"x" * 10)

    assert (log.size, len(log), store.size) == (30, 3, 30)
    store.delete("r", "c")
    assert store.size == 0


def test_over_the_total_the_log_touched_longest_ago_loses_its_older_half_first(clock: FakeClock) -> None:
    store = history(clock, total_bytes=100)
    quiet, busy = store.open("r", "quiet", MUCH), store.open("r", "busy", MUCH)
    fill(quiet, 6, b"x" * 10)
    clock.advance(1)
    fill(busy, 4, b"x" * 10)
    assert (len(quiet), len(busy)) == (6, 4)

    fill(busy, 1, b"x" * 10)

    assert (seqs(quiet), seqs(busy), store.size) == ([5, 6], [1, 2, 3, 4, 5], 70)


def test_over_the_total_the_next_log_follows_when_the_first_is_empty(clock: FakeClock) -> None:
    store = history(clock, total_bytes=40)
    first, second = store.open("r", "first", MUCH), store.open("r", "second", MUCH)
    fill(first, 1, b"x" * 10)
    clock.advance(1)
    fill(second, 2, b"x" * 10)
    clock.advance(1)

    store.open("r", "third", MUCH).append([b"x" * 30])

    assert (seqs(first), seqs(second), store.size) == ([], [], 30)


def test_one_text_larger_than_the_total_is_not_kept(clock: FakeClock) -> None:
    store = history(clock, total_bytes=30)
    log = store.open("r", "c", MUCH)

    assert log.append([b"x" * 31]) == 1
    assert (seqs(log), store.size) == ([], 0)


def test_a_log_that_lost_to_the_total_still_trims_by_age(clock: FakeClock) -> None:
    store = history(clock, total_bytes=60)
    log = store.open("r", "c", Retention(100, 20.0, 1000))
    for _ in range(6):
        fill(log, 1, b"x" * 10)
        clock.advance(2)

    fill(log, 1, b"x" * 10)
    assert seqs(log) == [5, 6, 7]
    clock.advance(17)
    assert seqs(log) == [6, 7]


def test_a_sweep_drops_what_is_old_in_logs_that_nobody_touches(clock: FakeClock) -> None:
    store = history(clock)
    open_log = store.open("r", "open", Retention(100, 10.0, 1000))
    closed_log = store.open("r", "closed", Retention(100, 10.0, 1000))
    fill(open_log, 3, b"x" * 10)
    fill(closed_log, 3, b"x" * 10)
    closed_log.close()
    clock.advance(11)

    store.sweep()

    assert store.size == 0


def test_a_sweep_forgets_the_position_of_a_closed_log_after_its_time(clock: FakeClock) -> None:
    store = history(clock, position_ttl_s=100.0)
    log = store.open("r", "c", Retention(100, 10.0, 1000))
    fill(log, 3)
    log.close()

    clock.advance(100)
    store.sweep()
    assert store.open("r", "c", Retention(100, 10.0, 1000)).top == 3
    log.close()
    clock.advance(101)
    store.sweep()

    assert store.open("r", "c", MUCH).top == 0


def test_a_position_without_events_is_forgotten_after_its_time(clock: FakeClock) -> None:
    store = history(clock, position_ttl_s=100.0)
    log = store.open("r", "c", Retention(0, 10.0, 0))
    fill(log, 3)
    log.close()

    clock.advance(101)
    store.sweep()

    assert store.open("r", "c", MUCH).top == 0


def test_an_open_log_is_never_forgotten(clock: FakeClock) -> None:
    store = history(clock, position_ttl_s=100.0)
    fill(store.open("r", "c", Retention(0, 10.0, 0)), 3)

    clock.advance(10_000)
    store.sweep()

    assert store.open("r", "c", MUCH).top == 3


def test_positions_are_bounded_in_number(clock: FakeClock) -> None:
    store = history(clock)
    n_over = 3
    for n in range(memory.MAX_IDLE_POSITIONS + n_over):
        log = store.open("r", f"c{n}", Retention(0, 10.0, 0))
        log.append([b"x"])
        if n < n_over:
            log.close()
            clock.advance(0.001)
        else:
            log.is_open = False

    store.sweep()

    assert [store.open("r", f"c{n}", MUCH).top for n in range(5)] == [0, 0, 0, 1, 1]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(st.integers(1, 30), min_size=1, max_size=5)),
        st.tuples(st.just("advance"), st.sampled_from([0.2, 1.0, 3.0, 11.0])),
        st.tuples(
            st.just("retain"),
            st.tuples(st.integers(0, 12), st.sampled_from([2.0, 10.0]), st.sampled_from([0, 20, 60, 200])),
        ),
        st.tuples(
            st.just("read"),
            st.tuples(
                st.none() | st.integers(0, 40),
                st.none() | st.integers(1, 40),
                st.booleans(),
                st.integers(1, 8),
                st.none() | st.integers(1, 60),
            ),
        ),
    ),
    max_size=40,
)


class Model:
    """A log as anybody would write it: a list of (seq, time, text), cut after each step."""

    def __init__(self, retention: Retention) -> None:
        self.retention = retention
        self.events: list[tuple[int, float, bytes]] = []
        self.top = 0

    def append(self, now: float, texts: list[bytes]) -> None:
        for text in texts:
            self.top += 1
            self.events.append((self.top, now, text))
        self.cut(now)

    def cut(self, now: float) -> None:
        retention = self.retention
        self.events = [event for event in self.events if now - event[1] <= retention.age_s]
        while self.events and (
            len(self.events) > retention.messages or sum(len(e[2]) for e in self.events) > retention.size_bytes
        ):
            del self.events[0]

    def read(
        self, after: int | None, before: int | None, newest_first: bool, limit: int, size_bytes: int | None
    ) -> tuple[list[tuple[int, bytes]], bool, int, int]:
        found = [
            (seq, text)
            for seq, _, text in self.events
            if (after is None or seq > after) and (before is None or seq < before)
        ]
        if newest_first:
            found.reverse()
        page: list[tuple[int, bytes]] = []
        for seq, text in found[:limit]:
            if page and size_bytes is not None and sum(len(t) for _, t in page) + len(text) > size_bytes:
                break
            page.append((seq, text))
        first, last = (self.events[0][0], self.events[-1][0]) if self.events else (0, 0)
        return page, len(page) < len(found), first, last


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(STEPS)
def test_a_log_equals_a_plain_list_under_any_use(steps: list[tuple[str, object]]) -> None:
    clock = FakeClock()
    retention = Retention(8, 10.0, 100)
    store = history(clock)
    log, model = store.open("r", "c", retention), Model(retention)

    for step, value in steps:
        now = clock.time()
        if step == "append":
            texts = [b"x" * size for size in value]  # type: ignore[attr-defined]
            log.append(texts)
            model.append(now, texts)
        elif step == "advance":
            clock.advance(value)  # type: ignore[arg-type]
        elif step == "retain":
            model.retention = Retention(*value)  # type: ignore[misc]
            log.retain(model.retention)
            model.cut(now)
        else:
            after, before, newest_first, limit, size_bytes = value  # type: ignore[misc]
            page = log.read(after=after, before=before, newest_first=newest_first, limit=limit, size_bytes=size_bytes)
            model.cut(now)
            assert (list(page.events), page.more, page.first, page.last) == model.read(*value)  # type: ignore[misc]
        assert log.top == model.top
        assert store.size == log.size
        log.trim(clock.time())
        model.cut(clock.time())
        assert (len(log), log.size) == (len(model.events), sum(len(text) for _, _, text in model.events))

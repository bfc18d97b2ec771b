"""Hops on their way to the export: queued, made into spans in a thread, exported in batches."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from arqonbus.telemetry.recorder import Recorder
from arqonbus.telemetry.span_table import EVENT
from arqonbus.telemetry.tracer import NewId, Over, Span

LIMIT_S = 10.0


class Kept:
    """Keeps what it is given; waits before it, where it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[Span]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.came = threading.Semaphore(0)
        self.is_shut = False
        self.bug: Exception | None = None

    def export(self, spans: Sequence[Span]) -> bool:
        self.came.release()
        self.may_go_on.wait(LIMIT_S)
        if self.bug is not None:
            raise self.bug
        self.batches.append(list(spans))
        return True

    def shutdown(self) -> None:
        self.is_shut = True


class Hop:
    """A hop whose span has an id that is made late."""

    def __init__(self) -> None:
        self.thread = ""

    def span(self, new_id: NewId) -> Span:
        self.thread = threading.current_thread().name
        return Span(EVENT.publish, 0xA, new_id(), 0, 1, 2, {})


@contextmanager
def recorder(
    kept: Kept, failed: list[Exception] | None = None, *, most: int = 100, batch: int = 3
) -> Iterator[Recorder]:
    made = Recorder(
        kept, lambda: 7, (failed if failed is not None else []).append, most=most, batch=batch, delay_s=60.0
    )
    try:
        yield made
    finally:
        kept.may_go_on.set()
        made.close()


def test_a_hop_becomes_a_span_in_the_thread_that_exports() -> None:
    kept, hop = Kept(), Hop()
    with recorder(kept) as recording:
        recording.record(hop)

    assert kept.batches == [[hop.span(lambda: 7)]]
    assert hop.thread == threading.current_thread().name  # of the line above; before it:
    other = Hop()
    with recorder(Kept()) as recording:
        recording.record(other)
    assert other.thread == "arqonbus-spans"


def test_a_full_batch_is_exported_at_once() -> None:
    kept = Kept()
    with recorder(kept) as recording:
        for _ in range(3):
            recording.record(Hop())
        assert kept.came.acquire(timeout=LIMIT_S)  # long before the delay


def test_what_comes_while_an_export_runs_is_exported_after_it() -> None:
    kept = Kept()
    kept.may_go_on.clear()
    with recorder(kept) as recording:
        for _ in range(3):
            recording.record(Hop())
        assert kept.came.acquire(timeout=LIMIT_S)
        for _ in range(7):
            recording.record(Hop())
        kept.may_go_on.set()
        for _ in range(3):
            assert kept.came.acquire(timeout=LIMIT_S)

    assert [len(batch) for batch in kept.batches] == [3, 3, 3, 1]


def test_more_than_may_wait_are_dropped_and_counted() -> None:
    kept = Kept()
    with recorder(kept, most=3, batch=10) as recording:
        for _ in range(5):
            recording.record(Hop())
        assert recording.n_dropped == 2

    assert [len(batch) for batch in kept.batches] == [3]


def test_the_end_exports_what_waits_and_ends_the_export() -> None:
    kept = Kept()
    with recorder(kept, batch=2) as recording:
        recording.record(Hop())

    assert kept.is_shut
    assert len(kept.batches) == 1
    recording.record(Hop())
    assert recording.n_dropped == 1  # too late


@pytest.mark.parametrize("bug_of", ["the export", "the span"])
def test_a_bug_costs_its_batch_and_is_told(bug_of: str) -> None:
    class Wrong:
        def span(self, new_id: NewId) -> Span:
            raise ValueError("a bug")

    kept = Kept()
    failed: list[Exception] = []
    hop: Over = Hop()
    if bug_of == "the span":
        hop = Wrong()
    else:
        kept.bug = ValueError("a bug")
    with recorder(kept, failed, batch=1) as recording:
        recording.record(hop)
        if bug_of == "the export":
            assert kept.came.acquire(timeout=LIMIT_S)
        recording.record(Hop())

    assert [str(error) for error in failed][:1] == ["a bug"]
    assert bug_of == "the export" or len(kept.batches) == 1

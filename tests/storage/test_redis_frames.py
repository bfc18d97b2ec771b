"""Frames and answers, read as entries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arqonbus.storage.redis_frames import (
    NOWHERE,
    Place,
    Placed,
    TailEntry,
    count_new,
    entries_of,
    place_of,
    placed,
    tail_of,
)


def frame(entries: list[Placed]) -> bytes:
    return b"".join(b"%d-%d %b %d\n%b" % (*e.place, e.mark, len(e.text), e.text) for e in entries)


def test_a_frame_of_two_entries_is_read() -> None:
    assert entries_of(b"17-1 m.1 2\n{}17-2 m.2 3\n\n 1") == [
        Placed(Place(17, 1), b"m.1", b"{}"),
        Placed(Place(17, 2), b"m.2", b"\n 1"),
    ]


places = st.tuples(st.integers(0, 2**53), st.integers(0, 2**53)).map(lambda pair: Place(*pair))
entries = st.builds(Placed, places, st.from_regex(rb"[a-z0-9.]{1,20}", fullmatch=True), st.binary(max_size=50))


@given(st.lists(entries, min_size=1, max_size=5))
def test_what_is_written_is_read_again(written: list[Placed]) -> None:
    assert entries_of(frame(written)) == written


@pytest.mark.parametrize("bad", [b"x", b"17-1 m 3\nab", b"17 m 0\n", b"17-1 m\n", b"17-1 m x\n", b"17-1 m 0 0\n"])
def test_what_is_no_frame_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError):
        entries_of(bad)


def test_a_place_is_read_and_compares_by_epoch_first() -> None:
    assert place_of(b"17-4") == Place(17, 4)
    assert place_of(b"") == NOWHERE
    assert Place(2, 1) > Place(1, 9) > Place(1, 8)


def test_answers_are_read() -> None:
    assert placed([b"1-1", b"m", b"t", b"1-2", b"n", b"u"]) == [
        Placed(Place(1, 1), b"m", b"t"),
        Placed(Place(1, 2), b"n", b"u"),
    ]
    assert tail_of([b"2-1", b"m", b"1-7", b"t"]) == [TailEntry(Place(2, 1), b"m", Place(1, 7), b"t")]
    assert tail_of([b"2-1", b"m", b"", b""]) == [TailEntry(Place(2, 1), b"m", NOWHERE, b"")]


def carried(*was: int) -> list[TailEntry]:
    """Entries of epoch 2, newest first, that had these seqs in epoch 1; 0: none."""
    return [TailEntry(Place(2, 9 - i), b"m%d" % i, Place(1, seq) if seq else NOWHERE, b"") for i, seq in enumerate(was)]


def test_new_is_what_comes_after_the_newest_that_is_known() -> None:
    assert count_new(carried(0, 0, 8, 7), Place(1, 8), [b"m3", b"m2"]) == 2
    assert count_new(carried(0, 0, 8, 7), Place(1, 8), [b"m0"]) == 0


def test_new_is_what_had_a_place_where_others_are_known() -> None:
    assert count_new(carried(0, 9, 8, 7, 6, 5), Place(1, 8), [b"x7", b"x8"]) == 4


def test_nothing_is_new_that_may_be_known_but_forgotten() -> None:
    assert count_new(carried(0, 8, 7), Place(1, 8), []) == 1
    assert count_new([TailEntry(Place(3, 1), b"m", Place(2, 1), b"")], Place(1, 8), [b"x8"]) == 0

"""Recent: which ids are known, bounded by time and by count."""

from hypothesis import given
from hypothesis import strategies as st

from arqonbus.storage.recent import Recent


def test_a_key_is_known_within_the_window_and_new_after_it() -> None:
    recent = Recent(10.0, 100)
    recent.add(("ada", "a1"), 7, 1000.0)

    assert recent.seq_of(("ada", "a1"), 1010.0) == 7
    assert recent.seq_of(("ada", "a1"), 1010.1) is None


def test_the_same_id_of_another_sender_is_new() -> None:
    recent = Recent(10.0, 100)
    recent.add(("ada", "a1"), 7, 1000.0)

    assert recent.seq_of(("bob", "a1"), 1000.0) is None


def test_past_the_count_the_oldest_is_forgotten() -> None:
    recent = Recent(10.0, 2)
    for seq, key in enumerate("abc", 1):
        recent.add(key, seq, 1000.0)

    assert [recent.seq_of(key, 1000.0) for key in "abc"] == [None, 2, 3]


def test_a_key_added_again_is_the_newest() -> None:
    recent = Recent(10.0, 2)
    for seq, key in enumerate("abac", 1):
        recent.add(key, seq, 1000.0)

    assert [recent.seq_of(key, 1000.0) for key in "abc"] == [3, None, 4]


def test_a_key_taken_back_is_new() -> None:
    recent = Recent(10.0, 2)
    recent.add("a", 1, 1000.0)

    recent.forget("a")
    recent.forget("never there")

    assert recent.seq_of("a", 1000.0) is None


def test_nothing_is_known_without_a_window_or_a_count() -> None:
    for recent in (Recent(0.0, 100), Recent(10.0, 0)):
        recent.add("a", 1, 1000.0)

        assert recent.seq_of("a", 1000.0) is None
        assert len(recent) == 0


def test_a_sweep_clears_what_is_past_the_window() -> None:
    recent = Recent(10.0, 100)
    recent.add("a", 1, 1000.0)
    recent.add("b", 2, 1005.0)

    recent.sweep(1012.0)

    assert len(recent) == 1
    assert recent.seq_of("b", 1012.0) == 2


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 5)), max_size=60), st.integers(1, 6))
def test_it_equals_a_list_that_is_searched(steps: list[tuple[int, float]], most: int) -> None:
    recent, model, now = Recent(10.0, most), [], 0.0
    for seq, (key, pause) in enumerate(steps, 1):
        now += pause
        known = next((s for k, s, at in model if k == key and now - at <= 10.0), None)

        assert recent.seq_of(key, now) == known

        if known is None:
            model = [entry for entry in model if entry[0] != key]
            model.append((key, seq, now))
            model = model[-most:]
            recent.add(key, seq, now)

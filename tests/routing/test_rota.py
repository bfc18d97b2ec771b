"""Turns: least first, then by when the last turn was."""

from random import Random

import pytest

from arqonbus.routing.rota import STALE, Rota


def drawn(rota: Rota[str]) -> list[str]:
    return [who for _ in range(len(rota)) if (who := rota.next()) is not None]


def test_of_equals_the_one_whose_turn_is_longest_ago_goes_first() -> None:
    rota: Rota[str] = Rota()
    for who, last_turn in (("c", 3), ("a", 2), ("b", 0), ("d", 0)):
        rota.put(who, 0, last_turn)

    assert drawn(rota) == ["b", "d", "a", "c"]
    assert rota.next() is None


def test_whoever_has_least_goes_first() -> None:
    rota: Rota[str] = Rota()
    for who, has in (("a", 2), ("b", 0), ("c", 1), ("d", 0)):
        rota.put(who, has, 0)

    assert drawn(rota) == ["b", "d", "c", "a"]


def test_the_last_word_about_somebody_counts() -> None:
    rota: Rota[str] = Rota()
    rota.put("a", 0, 0)
    rota.put("b", 1, 0)
    rota.put("a", 2, 0)

    assert drawn(rota) == ["b", "a"]


def test_who_is_taken_out_has_no_turn() -> None:
    rota: Rota[str] = Rota()
    rota.put("a", 0, 0)
    rota.put("b", 0, 0)

    rota.take_out("a")
    rota.take_out("nobody")

    assert drawn(rota) == ["b"]


@pytest.mark.parametrize("seed", range(20))
def test_it_is_a_sorted_list_and_holds_no_more_than_that(seed: int) -> None:
    random, rota, plain = Random(seed), Rota[int](), {}
    for n in range(2000):
        who, what = random.randrange(8), random.random()
        if what < 0.7:
            has, turn = random.randrange(5), random.randrange(3)
            rota.put(who, has, turn)
            plain[who] = (has, turn, n)
        elif what < 0.8:
            rota.take_out(who)
            plain.pop(who, None)
        else:
            least = min(plain, key=lambda one: plain[one], default=None)
            assert rota.next() == least
            plain.pop(least, None)  # type: ignore[call-overload] # None: nobody was there
        assert len(rota) == len(plain)
        assert len(rota._heap) <= 2 * len(plain) + STALE + 1 + 2 * 8

"""Lost, twice, out of order: told by the seqs alone."""

import random

import pytest

from arqonbus.cli.bench.tally import Tally


def tallied(after: int, *seqs: int) -> Tally:
    tally = Tally(after)
    for seq in seqs:
        tally.take(seq)
    return tally


@pytest.mark.parametrize(
    ("seqs", "received", "lost", "duplicates", "reordered"),
    [
        ((4, 5, 6), 3, 0, 0, 0),
        ((4, 6), 2, 1, 0, 0),
        ((4,), 1, 2, 0, 0),
        ((), 0, 3, 0, 0),
        ((4, 6, 5), 3, 0, 0, 1),
        ((4, 4, 5, 6, 5), 3, 0, 2, 0),
        ((6, 4, 4), 2, 1, 1, 1),
        ((4, 5, 6, 7, 9), 5, 0, 0, 0),  # later ones are nobody's loss
    ],
)
def test_of_4_to_6_it_is_told_what_became_of_them(
    seqs: tuple[int, ...], received: int, lost: int, duplicates: int, reordered: int
) -> None:
    tally = tallied(3, *seqs)

    assert (tally.received, tally.lost(6), tally.duplicates, tally.reordered) == (received, lost, duplicates, reordered)


def test_all_are_there_when_none_is_missing() -> None:
    assert not tallied(0, 1, 3).has_all(3)
    assert not tallied(0, 1, 2).has_all(3)
    assert tallied(0, 1, 3, 2).has_all(3)


@pytest.mark.parametrize("seed", range(20))
def test_every_event_is_received_or_lost_whatever_comes(seed: int) -> None:
    chance = random.Random(seed)
    came = [chance.randint(1, 30) for _ in range(chance.randint(0, 60))]

    tally = tallied(0, *came)

    assert tally.received == len(set(came))
    assert tally.received + tally.lost(30) == 30
    assert tally.received + tally.duplicates == len(came)

from arqonbus.server.restarts import LONG_S, Restarts


def test_who_lived_for_long_is_started_again_at_once() -> None:
    assert Restarts().ended(LONG_S) == 0.0


def test_after_short_lives_the_pauses_grow_until_it_is_given_up() -> None:
    restarts = Restarts()

    assert [restarts.ended(1.0) for _ in range(5)] == [0.1, 0.2, 0.4, 0.8, None]


def test_a_long_life_makes_up_for_short_ones() -> None:
    restarts = Restarts()
    for _ in range(4):
        restarts.ended(0.0)

    assert restarts.ended(LONG_S) == 0.0
    assert restarts.ended(0.0) == 0.1


def test_who_says_that_it_cannot_start_is_tried_again_for_ever() -> None:
    restarts = Restarts()

    assert {restarts.could_not_start() for _ in range(20)} == {5.0}
    assert restarts.ended(0.0) == 0.1

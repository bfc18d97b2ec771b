"""Strategy: an error and the failures before it, to a verdict."""

import pytest

from arqonbus.actor.supervision import Directive, Strategy, always

WOBBLE = ValueError("wobble")


@pytest.mark.parametrize("directive", list(Directive))
def test_always_answers_the_same_to_every_error(directive: Directive) -> None:
    assert always(directive)(WOBBLE) is directive
    assert always(directive)(KeyError()) is directive


def test_the_rule_decides_by_the_error() -> None:
    strategy = Strategy(lambda error: Directive.RESTART if isinstance(error, ValueError) else Directive.ESCALATE)

    assert strategy.verdict(ValueError(), [0.0], 0.0) is Directive.RESTART
    assert strategy.verdict(KeyError(), [0.0], 0.0) is Directive.ESCALATE


def test_one_failure_more_than_allowed_in_the_window_gives_up() -> None:
    strategy = Strategy(always(Directive.RESTART), max_failures=2, window_s=10.0)

    assert strategy.verdict(WOBBLE, [1.0, 2.0], 2.0) is Directive.RESTART
    assert strategy.verdict(WOBBLE, [1.0, 2.0, 3.0], 3.0) is Directive.STOP


def test_a_failure_as_old_as_the_window_no_longer_counts() -> None:
    strategy = Strategy(always(Directive.RESTART), max_failures=1, window_s=10.0)

    assert strategy.verdict(WOBBLE, [1.0, 10.9], 10.9) is Directive.STOP
    assert strategy.verdict(WOBBLE, [1.0, 11.0], 11.0) is Directive.RESTART


def test_no_failures_allowed_gives_up_at_the_first() -> None:
    strategy = Strategy(always(Directive.RESUME), max_failures=0, give_up=Directive.ESCALATE)

    assert strategy.verdict(WOBBLE, [5.0], 5.0) is Directive.ESCALATE


def test_what_is_remembered_of_failures_is_bounded() -> None:
    strategy = Strategy(always(Directive.RESUME), max_failures=2, window_s=10.0)

    assert strategy.forget([1.0, 2.0, 3.0, 4.0, 5.0], 5.0) == [3.0, 4.0, 5.0]
    assert strategy.forget([1.0, 2.0, 14.0], 15.0) == [14.0]
    assert strategy.forget((), 15.0) == []


@pytest.mark.parametrize(("max_failures", "window_s"), [(-1, 1.0), (1, 0.0), (1, -1.0), (1, float("nan"))])
def test_a_strategy_that_makes_no_sense_is_refused(max_failures: int, window_s: float) -> None:
    with pytest.raises(ValueError, match="expected max_failures >= 0, window_s > 0"):
        Strategy(always(Directive.STOP), max_failures, window_s)

"""Actor and Props: what an actor gets when it overrides nothing."""

from __future__ import annotations

from typing import Any

import pytest

from arqonbus.actor.actor import Actor, Context, Props, Terminated
from arqonbus.actor.mailbox import Bounds
from tests.actor.stage import Stage


class Paused:
    """Stands for a context; paused once ``at`` is the mail in work."""

    def __init__(self, at: Any = None) -> None:
        self.at = at
        self.current: Any = None

    @property
    def paused(self) -> bool:
        return self.at is not None and bool(self.current == self.at)


class Recorder(Actor[Any]):
    def __init__(self) -> None:
        self.received: list[tuple[Any, Any]] = []

    def receive(self, mail: Any, ctx: Context[Any]) -> None:
        self.received.append((mail, ctx.current))


def turn(actor: Actor[Any], batch: Any, ctx: Any) -> None:
    actor.turn(batch, ctx)


def test_a_turn_receives_each_mail_and_shows_it_as_the_one_in_work() -> None:
    actor = Recorder()
    turn(actor, iter("ab"), Paused())

    assert actor.received == [("a", "a"), ("b", "b")]


def test_a_turn_leaves_what_follows_a_pause() -> None:
    actor, batch = Recorder(), iter("abc")
    turn(actor, batch, Paused(at="b"))

    assert [mail for mail, _ in actor.received] == ["a", "b"]
    assert list(batch) == ["c"]


def test_an_actor_without_receive_fails_by_its_name() -> None:
    class Forgetful(Actor[Any]):
        pass

    with pytest.raises(NotImplementedError, match=r"Forgetful\.receive"):
        turn(Forgetful(), iter("a"), Paused())


def test_what_an_actor_does_not_override_does_nothing(stage: Stage) -> None:
    ref = stage.system.spawn(Props(Actor[Any]), "a")
    ref.tell("x")
    ref.stop()
    ref.signal("A")
    stage.run()

    assert [error for _, error, _ in stage.failures] == ["NotImplementedError"]
    assert stage.dead == [("a", "x")]


def test_children_are_resumed_unless_their_parent_has_another_rule(stage: Stage) -> None:
    class Plain(Actor[Any]):
        def started(self, ctx: Context[Any]) -> None:
            child = ctx.spawn(stage.props("c", started=lambda ctx: 1 / 0), "c")
            child.tell("x")

    stage.system.spawn(Props(Plain), "p")

    assert stage.run() == ["c started", "c failed None", "c x"]


def test_each_recipe_has_bounds_of_its_own_kind() -> None:
    assert Props(Recorder).bounds == Bounds()
    assert Props(Recorder, Bounds(items=3, low=1)).bounds.items == 3


def test_an_end_is_told_with_its_reason(stage: Stage) -> None:
    ref = stage.spawn()

    assert Terminated(ref, "why") == Terminated(ref, "why")
    assert Terminated(ref, "why") != Terminated(ref, "other")

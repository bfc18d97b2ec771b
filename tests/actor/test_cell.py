"""Cell: its turns, what it does with failures, and its end. The laws under any interleaving are in test_system."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from arqonbus.actor import Actor, ActorSystem, Bounds, Context, Directive, KernelError, Props, Ref, Strategy
from arqonbus.actor.cell import BUDGET
from arqonbus.actor.supervision import always
from arqonbus.actor.testing import ManualDispatcher, Probe
from tests.actor.stage import Do, Gate, Scripted, Stage, fail

RESUME, RESTART, STOP, ESCALATE = Directive.RESUME, Directive.RESTART, Directive.STOP, Directive.ESCALATE


def stop(reason: str = "stopped") -> Do:
    return Do("stop", lambda ctx: ctx.stop(reason))


def pipe(gate: Gate) -> Do:
    return Do("pipe", lambda ctx: ctx.pipe(gate.pass_through(), str, lambda error: f"{type(error).__name__}: {error}"))


def trip(ctx: Context[Any]) -> None:
    raise ValueError("tripped")


# --- a turn -----------------------------------------------------------------------------------------------------------


def test_an_actor_starts_before_its_first_mail(stage: Stage) -> None:
    stage.spawn_now().tell("mail")

    assert stage.run() == ["a started", "a mail"]


def test_control_mail_goes_first_and_each_lane_keeps_its_order(stage: Stage) -> None:
    ref = stage.spawn()
    for mail in "xy":
        ref.tell(mail)
    for mail in "AB":
        ref.signal(mail)

    assert stage.run() == ["a A", "a B", "a x", "a y"]


def test_a_turn_ends_with_one_flush(stage: Stage) -> None:
    ref = stage.spawn(flush=lambda ctx: None)
    ref.tell("x")
    ref.tell("y")
    ref.signal("A")

    assert stage.run() == ["a A", "a x", "a y", "a flush"]


def test_what_comes_during_a_turn_waits_for_the_next(stage: Stage) -> None:
    ref = stage.spawn(flush=lambda ctx: None)
    ref.tell(Do("both", lambda ctx: ctx.ref.tell("u"), lambda ctx: ctx.ref.signal("c")))

    assert stage.run() == ["a both", "a flush", "a c", "a u", "a flush"]


def test_a_signal_to_itself_in_the_control_lane_waits_for_the_next_turn(stage: Stage) -> None:
    ref = stage.spawn(flush=lambda ctx: None)
    ref.signal(Do("again", lambda ctx: ctx.ref.signal("c")))
    ref.tell("u")

    assert stage.run() == ["a again", "a u", "a flush", "a c", "a flush"]


def test_mail_told_while_flushing_is_read_in_the_next_turn(stage: Stage) -> None:
    sent = iter(["late"])
    stage.spawn_now(flush=lambda ctx: [ctx.ref.tell(mail) for mail in sent])

    assert stage.run() == ["a started", "a flush", "a late", "a flush"]


def test_a_busy_actor_gets_a_budget_and_then_the_others_have_their_turn(stage: Stage) -> None:
    busy, other = stage.spawn("busy"), stage.spawn("other")
    stage.run()
    for n in range(BUDGET + 1):
        busy.tell(n)
    other.tell("mine")

    assert stage.run()[BUDGET - 1 :] == [f"busy {BUDGET - 1}", "other mine", f"busy {BUDGET}"]


def test_what_an_override_of_turn_leaves_once_it_is_paused_comes_again(stage: Stage) -> None:
    read: list[Any] = []

    class Slow(Actor[Any]):
        def turn(self, batch: Iterator[Any], ctx: Context[Any]) -> None:
            read.append(next(batch))
            ctx.hold()
            ctx.release()

    ref = stage.system.spawn(Props(Slow), "slow")
    for n in range(3):
        ref.tell(n)
    for mail in "AB":
        ref.signal(mail)
    stage.run()

    assert read == ["A", "B", 0, 1, 2]


# --- holding ----------------------------------------------------------------------------------------------------------


def hold(again: bool = False, until: Ref[Any] | None = None) -> Do:
    holds = iter([True])  # once: received again, it goes through

    def step(ctx: Context[Any]) -> None:
        if next(holds, False):
            ctx.hold(ctx.current if again else None, until)

    return Do("hold", step)


RELEASE = Do("release", lambda ctx: ctx.release())


def test_while_held_only_control_mail_comes(stage: Stage) -> None:
    ref = stage.spawn()
    ref.tell(hold())
    ref.tell("x")
    ref.signal("A")

    assert stage.run() == ["a A", "a hold"]
    ref.tell("y")
    ref.signal("B")
    assert stage.run() == ["a B"]
    ref.signal(RELEASE)
    assert stage.run() == ["a release", "a x", "a y"]


def test_a_held_mail_comes_again_first_after_the_release(stage: Stage) -> None:
    ref = stage.spawn()
    ref.tell(hold(again=True))
    ref.tell("x")

    assert stage.run() == ["a hold"]
    ref.signal(RELEASE)
    assert stage.run() == ["a release", "a hold", "a x"]


def test_a_control_mail_that_is_held_waits_for_the_release_too(stage: Stage) -> None:
    """Put back into the control lane it would come in every turn, and spin until the release."""
    ref = stage.spawn()
    ref.tell("x")
    ref.signal(hold(again=True))
    ref.signal("A")

    assert stage.run() == ["a hold", "a A"]
    ref.signal(RELEASE)
    assert stage.run() == ["a release", "a hold", "a x"]


def test_a_second_hold_in_a_turn_loses_no_mail(stage: Stage) -> None:
    holds = iter([True])
    ref = stage.spawn(flush=lambda ctx: ctx.hold() if next(holds, False) else None)
    ref.signal(RELEASE)
    stage.run()
    holds = iter([True])
    ref.tell(hold(again=True))
    stage.run()
    ref.signal(RELEASE)

    assert stage.run() == ["a release", "a hold", "a flush"]


def test_every_mail_that_is_held_again_comes_once(stage: Stage) -> None:
    ref = stage.spawn()

    def step(ctx: Context[Any]) -> None:
        for mail in ("x", ctx.current, ctx.current, "y"):
            ctx.hold(mail)

    done = iter([step])
    ref.tell(Do("many", lambda ctx: next(done, lambda ctx: None)(ctx)))
    ref.tell("z")
    stage.run()
    ref.signal(RELEASE)

    assert stage.run() == ["a release", "a x", "a many", "a y", "a z"]


def test_a_hold_ends_when_another_actor_has_room(stage: Stage) -> None:
    full = stage.spawn("full", Bounds(items=2, low=0))
    ref = stage.spawn()
    full.tell(hold())
    stage.run()
    full.tell(1)
    ref.tell(hold(again=True, until=full))
    ref.tell("x")

    assert stage.run() == ["a hold"]
    full.signal(RELEASE)
    assert stage.run() == ["full release", "full 1", "a hold", "a x"]


@pytest.mark.parametrize("ends", ["before", "after"])
def test_a_hold_ends_when_the_other_actor_does(stage: Stage, ends: str) -> None:
    full = stage.spawn("full", Bounds(items=1, low=0))
    ref = stage.spawn()
    full.tell(hold())
    stage.run()
    full.tell(1)
    if ends == "before":
        full.stop()
        stage.run()
    ref.tell(hold(again=True, until=full))
    if ends == "after":
        assert stage.run() == ["a hold"]
        full.stop()

    assert stage.run()[-1:] == ["a hold"]


def test_room_that_an_earlier_hold_waited_for_does_not_end_a_later_one(stage: Stage) -> None:
    full = stage.spawn("full", Bounds(items=1, low=0))
    ref = stage.spawn()
    full.tell(hold())
    stage.run()
    full.tell(1)
    ref.tell(hold(until=full))
    stage.run()
    ref.signal(RELEASE)
    ref.tell(hold())
    ref.tell("x")
    stage.run()
    full.signal(RELEASE)

    assert stage.run() == ["full release", "full 1"]
    ref.signal(RELEASE)
    assert stage.run() == ["a release", "a x"]


def test_a_hold_and_its_release_in_one_turn_hold_nothing(stage: Stage) -> None:
    ref = stage.spawn()
    ref.tell(Do("both", lambda ctx: ctx.hold(), lambda ctx: ctx.release()))
    ref.tell("x")

    assert stage.run() == ["a both", "a x"]


def test_an_actor_that_holds_when_it_starts_reads_no_user_mail(stage: Stage) -> None:
    ref = stage.spawn_now(started=lambda ctx: ctx.hold())
    ref.tell("x")
    ref.signal("A")

    assert stage.run() == ["a started", "a A"]
    ref.signal(RELEASE)
    assert stage.run() == ["a release", "a x"]


def test_room_that_comes_after_the_end_releases_nothing(stage: Stage) -> None:
    full = stage.spawn("full", Bounds(items=1, low=0))
    ref = stage.spawn()
    full.tell(hold())
    stage.run()
    full.tell(1)
    ref.tell(hold(until=full))
    stage.run()
    ref.stop()
    stage.run()
    full.signal(RELEASE)

    assert stage.run() == ["full release", "full 1"]


def test_mail_put_back_may_stand_above_the_bound_and_is_all_read(stage: Stage) -> None:
    """An actor that fills its own lane while a turn has emptied it: what the turn gives back is not lost for that."""
    ref = stage.spawn(bounds=Bounds(items=2, low=0))
    ref.tell(Do("fill", lambda ctx: ctx.ref.tell(1), lambda ctx: ctx.ref.tell(2), lambda ctx: ctx.hold()))
    ref.tell(0)
    stage.run()

    assert not ref.tell("over")
    ref.signal(RELEASE)
    assert stage.run() == ["a release", "a 0", "a 1", "a 2"]


# --- failure ----------------------------------------------------------------------------------------------------------


def test_a_failure_that_is_resumed_loses_its_mail_alone(stage: Stage) -> None:
    ref = stage.spawn()
    for mail in (1, fail(RESUME), 2):
        ref.tell(mail)

    assert stage.run() == ["a 1", "a fail resume", "a failed fail resume", "a 2"]
    assert stage.failures == [("a", "Trouble", RESUME)]


def test_after_a_failure_control_mail_still_goes_first(stage: Stage) -> None:
    ref = stage.spawn()
    ref.tell(Do("fails", lambda ctx: ctx.ref.signal("A"), trip))
    ref.tell("x")

    assert stage.run() == ["a fails", "a failed fails", "a A", "a x"]


def test_control_mail_behind_one_that_fails_keeps_its_order(stage: Stage) -> None:
    ref = stage.spawn()
    for mail in (fail(RESUME), "A", "B"):
        ref.signal(mail)
    ref.tell("x")

    assert stage.run()[2:] == ["a A", "a B", "a x"]


def test_a_flush_follows_a_failure_for_the_mails_before_it(stage: Stage) -> None:
    ref = stage.spawn(flush=lambda ctx: None)
    ref.tell(fail(RESTART))

    assert stage.run() == [
        "a fail restart",
        "a failed fail restart",
        "a flush",
        "a stopped []",
        "a started",
        "a flush",
    ]


def test_a_flush_that_fails_is_a_failure_without_a_mail(stage: Stage) -> None:
    trips = iter([trip])
    ref = stage.spawn_now(flush=lambda ctx: next(trips, lambda ctx: None)(ctx))
    ref.tell("x")

    assert stage.run() == ["a started", "a x", "a flush", "a failed None"]
    assert stage.failures == [("a", "ValueError", RESUME)]


def test_a_flush_that_fails_can_restart(stage: Stage) -> None:
    stage.system.root_strategy = Strategy(always(RESTART))
    trips = iter([trip])
    ref = stage.spawn_now(flush=lambda ctx: next(trips, lambda ctx: None)(ctx))
    stage.run()

    assert stage.system.statistics().restarts == 1
    ref.tell("x")
    assert stage.run() == ["a x", "a flush"]


def test_a_start_that_fails_is_a_failure_without_a_mail(stage: Stage) -> None:
    ref = stage.spawn_now(started=trip)
    ref.tell("x")

    assert stage.run() == ["a started", "a failed None", "a x"]


def test_a_mail_that_was_to_come_again_and_then_fails_does_not(stage: Stage) -> None:
    ref = stage.spawn()
    ref.tell(Do("bad", lambda ctx: ctx.hold("kept"), lambda ctx: ctx.hold(ctx.current), trip))
    stage.run()
    ref.signal(RELEASE)

    assert stage.run() == ["a release", "a kept"]


def test_failed_may_fail_too(stage: Stage) -> None:
    ref = stage.spawn(failed=trip)
    ref.tell(fail(RESUME))
    ref.tell("x")

    assert stage.run()[-1] == "a x"
    assert stage.failures == [("a", "Trouble", RESUME), ("a", "ValueError", RESUME)]


def test_failed_may_stop_the_actor(stage: Stage) -> None:
    ref = stage.spawn(failed=lambda ctx: ctx.stop("given up"))
    ref.tell(fail(RESTART))
    ref.tell("x")

    assert stage.run() == ["a fail restart", "a failed fail restart", "a stopped ['x']"]
    assert stage.failures == [("a", "Trouble", STOP)]


def test_a_failure_may_stop_the_actor(stage: Stage) -> None:
    probe = Probe[Any](stage.system)
    ref = stage.spawn()
    ref.watch(probe.ref)
    ref.tell(fail(STOP))
    ref.tell("x")
    stage.run()

    assert [mail.reason for mail in probe.mails] == ["failed: Trouble"]
    assert stage.dead == [("a", "x")]


def test_a_rule_that_fails_stops_the_actor(stage: Stage) -> None:
    def broken(error: Exception) -> Directive:
        raise KeyError("no rule")

    ref = stage.system.spawn(stage.props("a"), "a", Strategy(broken))
    ref.tell(fail(RESUME))
    stage.run()

    assert not ref.alive
    assert stage.failures == [("a", "KeyError", STOP), ("a", "Trouble", STOP)]


def test_too_many_failures_in_the_window_are_given_up(stage: Stage) -> None:
    ref = stage.system.spawn(stage.props("a"), "a", Strategy(always(RESTART), max_failures=2, window_s=10))
    for _ in range(3):
        ref.tell(fail(RESTART))
        stage.run()
        stage.manual.advance(4)

    assert [verdict for _, _, verdict in stage.failures] == [RESTART, RESTART, STOP]
    assert not ref.alive


def test_failures_spread_over_more_than_the_window_are_not_given_up(stage: Stage) -> None:
    ref = stage.system.spawn(stage.props("a"), "a", Strategy(always(RESTART), max_failures=2, window_s=10))
    for _ in range(20):
        ref.tell(fail(RESTART))
        stage.run()
        stage.manual.advance(5)

    assert ref.alive
    assert stage.system.statistics().restarts == 20


# --- restart ----------------------------------------------------------------------------------------------------------


def test_a_restart_builds_the_actor_again_and_keeps_its_mail(stage: Stage) -> None:
    ref = stage.spawn()
    for mail in (fail(RESTART), "x"):
        ref.tell(mail)
    ref.signal("A")

    assert stage.run() == ["a A", "a fail restart", "a failed fail restart", "a stopped []", "a started", "a x"]
    assert stage.system.statistics().restarts == 1


def test_a_restart_ends_a_hold_that_the_new_actor_knows_nothing_of(stage: Stage) -> None:
    ref = stage.spawn()
    ref.tell(hold(again=True))
    stage.run()
    ref.signal(fail(RESTART))

    assert stage.run()[-2:] == ["a started", "a hold"]


def test_a_restarted_actor_may_hold_when_it_starts(stage: Stage) -> None:
    starts = iter([lambda ctx: None, lambda ctx: ctx.hold()])
    ref = stage.spawn(started=lambda ctx: next(starts)(ctx))
    ref.tell(fail(RESTART))
    ref.tell("x")

    assert stage.run()[-1] == "a started"
    ref.signal(RELEASE)
    assert stage.run() == ["a release", "a x"]


def test_a_restart_stops_the_children_before_it_builds(stage: Stage) -> None:
    ref = stage.spawn()
    stage.spawn_child(ref, "b")
    stage.run()
    ref.tell(fail(RESTART))
    ref.tell("x")

    assert stage.run()[2:] == ["b stopped []", "a stopped []", "a started", "a x"]


def test_a_restarted_actor_may_spawn_children_of_the_same_names(stage: Stage) -> None:
    ref = stage.spawn_now(started=lambda ctx: ctx.spawn(stage.props("b"), "b"))
    ref.tell(fail(RESTART))
    stage.run()

    assert ref.alive
    assert [verdict for _, _, verdict in stage.failures] == [RESTART]
    assert stage.system.statistics().actors == 2


def test_mail_that_comes_while_a_restart_waits_for_children_is_for_the_new_actor(stage: Stage) -> None:
    gate = Gate()
    ref = stage.spawn()
    stage.spawn_child(ref, "b").tell(pipe(gate))
    stage.run()
    ref.tell(fail(RESTART))
    stage.run()
    ref.signal("A")
    ref.tell("x")

    assert stage.run() == []
    gate.is_open = True
    assert stage.run() == ["b passed", "b stopped []", "a stopped []", "a started", "a A", "a x"]


def test_a_stop_that_comes_while_a_restart_waits_for_children_wins(stage: Stage) -> None:
    gate = Gate()
    ref = stage.spawn()
    stage.spawn_child(ref, "b").tell(pipe(gate))
    stage.run()
    ref.tell(fail(RESTART))
    stage.run()
    ref.stop()
    stage.run()
    gate.is_open = True

    assert stage.run() == ["b passed", "b stopped []", "a stopped []"]
    assert stage.system.statistics().actors == 0
    assert stage.system.statistics().restarts == 0


def test_an_old_actor_that_fails_to_stop_is_replaced_all_the_same(stage: Stage) -> None:
    trips = iter([trip])
    ref = stage.spawn(stopped=lambda ctx: next(trips, lambda ctx: None)(ctx))
    ref.tell(fail(RESTART))
    ref.tell("x")

    assert stage.run()[-2:] == ["a started", "a x"]
    assert stage.failures == [("a", "Trouble", RESTART), ("a", "ValueError", RESTART)]


def test_what_an_old_actor_holds_when_it_stops_is_read_by_the_new_one(stage: Stage) -> None:
    ref = stage.spawn(stopped=lambda ctx: ctx.hold("kept"))
    ref.tell(fail(RESTART))
    ref.tell("x")

    assert stage.run()[-3:] == ["a started", "a kept", "a x"]


def test_an_actor_that_can_not_be_built_again_is_stopped(stage: Stage) -> None:
    probe = Probe[Any](stage.system)
    builds = iter([Scripted(stage.log, "a", {})])

    def build() -> Scripted:
        for actor in builds:
            return actor
        raise ValueError("no more")

    ref = stage.system.spawn(Props(build), "a")
    ref.watch(probe.ref)
    ref.tell(fail(RESTART))
    ref.tell("x")
    stage.run()

    assert [mail.reason for mail in probe.mails] == ["failed to restart: ValueError"]
    assert stage.failures == [("a", "Trouble", RESTART), ("a", "ValueError", STOP)]
    assert stage.dead == [("a", "x")]


def test_an_actor_that_fails_to_start_again_and_again_is_given_up(stage: Stage) -> None:
    stage.system.root_strategy = Strategy(always(RESTART), max_failures=3)
    ref = stage.spawn(started=trip)

    assert not ref.alive
    assert [verdict for _, _, verdict in stage.failures] == [RESTART, RESTART, RESTART, STOP]


def test_an_old_actor_that_asks_to_stop_when_it_stops_is_stopped_in_the_new_one(stage: Stage) -> None:
    ref = stage.spawn(stopped=lambda ctx: ctx.stop())
    ref.tell(fail(RESTART))
    ref.tell("x")

    assert stage.run()[2:] == ["a stopped []", "a started", "a stopped ['x']"]


# --- escalation -------------------------------------------------------------------------------------------------------


def family(stage: Stage, **on: Callable[[Context[Any]], Any]) -> tuple[Ref[Any], Ref[Any]]:
    """Spawn a parent with a child."""
    parent = stage.spawn("p", **on)
    child = stage.spawn_child(parent, "c")
    stage.run()
    return parent, child


def test_an_escalated_failure_is_the_parents(stage: Stage) -> None:
    _, child = family(stage)
    child.tell(fail(ESCALATE))
    child.tell("x")
    stage.run()

    assert stage.failures == [("p/c", "Trouble", ESCALATE), ("p", "Trouble", ESCALATE)]
    assert stage.dead == [("p/c", "x")]
    assert stage.system.statistics().actors == 0


def test_a_parent_that_is_resumed_leaves_the_child_as_it_is(stage: Stage) -> None:
    stage.system.root_strategy = Strategy(always(RESUME))
    _, child = family(stage)
    child.tell(fail(ESCALATE))
    child.tell("x")

    assert stage.run() == ["c fail escalate", "c failed fail escalate", "p failed None", "c x"]


def test_a_parent_that_is_restarted_stops_the_child(stage: Stage) -> None:
    stage.system.root_strategy = Strategy(always(RESTART))
    parent, child = family(stage)
    child.tell(fail(ESCALATE))
    child.tell("x")
    parent.tell("y")

    assert stage.run()[-4:] == ["c stopped ['x']", "p stopped []", "p started", "p y"]
    assert parent.alive


def test_what_a_parent_does_with_a_failure_of_a_child_is_flushed(stage: Stage) -> None:
    stage.system.root_strategy = Strategy(always(RESUME))
    _, child = family(stage, flush=lambda ctx: None, failed=lambda ctx: ctx.hold("kept"))
    child.tell(fail(ESCALATE))

    assert stage.run() == ["c fail escalate", "c failed fail escalate", "p failed None", "p flush"]


def test_a_parent_may_hold_a_mail_when_a_child_fails(stage: Stage) -> None:
    stage.system.root_strategy = Strategy(always(RESUME))
    parent, child = family(stage, failed=lambda ctx: ctx.hold("kept"))
    child.tell(fail(ESCALATE))
    stage.run()
    parent.signal(RELEASE)

    assert stage.run() == ["p release", "p kept"]


def test_a_child_that_fails_while_its_parent_stops_disturbs_nothing(stage: Stage) -> None:
    gate = Gate()
    parent, child = family(stage)
    child.tell(pipe(gate))
    stage.run()
    parent.stop()
    stage.run()
    child.signal(fail(ESCALATE))
    child.signal("A")

    assert stage.run() == ["c fail escalate", "c failed fail escalate", "c A"]
    gate.is_open = True
    assert stage.run() == ["c passed", "c stopped []", "p stopped []"]
    assert stage.failures == [("p/c", "Trouble", STOP)]


@pytest.mark.parametrize("directive", [RESTART, ESCALATE, RESUME, STOP])
def test_an_actor_that_asked_to_stop_and_then_failed_only_stops(stage: Stage, directive: Directive) -> None:
    _, child = family(stage)
    child.tell(Do("last", lambda ctx: ctx.stop("done"), *fail(directive).steps))

    assert stage.run() == ["c last", "c failed last", "c stopped []"]
    assert stage.failures == [("p/c", "Trouble", STOP)]


# --- the end ----------------------------------------------------------------------------------------------------------


def test_an_actor_stops_after_the_mail_in_work(stage: Stage) -> None:
    ref = stage.spawn(flush=lambda ctx: None)
    for mail in (1, stop(), 2):
        ref.tell(mail)

    assert stage.run() == ["a 1", "a stop", "a flush", "a stopped [2]"]
    assert stage.dead == [("a", 2)]


def test_an_actor_stopped_from_outside_reads_its_control_mail_and_no_user_mail(stage: Stage) -> None:
    ref = stage.spawn()
    ref.tell("x")
    ref.signal("A")
    ref.stop()

    assert stage.run() == ["a A", "a stopped ['x']"]


def test_an_actor_stopped_before_its_first_turn_starts_and_stops(stage: Stage) -> None:
    ref = stage.spawn_now()
    ref.tell("x")
    ref.stop()

    assert stage.run() == ["a started", "a stopped ['x']"]


def test_an_actor_that_stops_when_it_starts_reads_nothing(stage: Stage) -> None:
    ref = stage.spawn_now(started=lambda ctx: ctx.stop(), flush=lambda ctx: None)
    ref.tell("x")
    ref.signal("A")

    assert stage.run() == ["a started", "a flush", "a stopped ['A', 'x']"]


@pytest.mark.parametrize("method", ["flush", "failed", "stopped"])
def test_an_actor_may_ask_to_stop_anywhere(stage: Stage, method: str) -> None:
    ref = stage.spawn(**{method: lambda ctx: ctx.stop("again")})
    ref.tell(fail(RESUME))
    ref.stop("first")
    stage.run()

    assert not ref.alive
    assert stage.system.statistics().actors == 0


def test_a_release_after_a_stop_opens_nothing(stage: Stage) -> None:
    ref = stage.spawn()
    ref.tell(Do("both", lambda ctx: ctx.stop(), lambda ctx: ctx.release()))
    ref.tell("x")

    assert stage.run() == ["a both", "a stopped ['x']"]


def test_the_first_reason_to_stop_stays(stage: Stage) -> None:
    probe = Probe[Any](stage.system)
    ref = stage.spawn()
    ref.watch(probe.ref)
    ref.stop("first")
    ref.stop("second")
    stage.run()

    assert [mail.reason for mail in probe.mails] == ["first"]


def test_what_stopped_takes_care_of_is_no_dead_letter(stage: Stage) -> None:
    class Careful(Scripted):
        def stopped(self, unread: list[Any], ctx: Context[Any]) -> None:
            unread.remove("mine")

    ref = stage.system.spawn(Props(lambda: Careful([], "a", {})), "a")
    ref.stop()
    for mail in ("mine", "lost"):
        ref.tell(mail)
    stage.run()

    assert stage.dead == [("a", "lost")]


def test_a_stopped_that_fails_keeps_nothing_from_ending(stage: Stage) -> None:
    probe = Probe[Any](stage.system)
    parent = stage.spawn("p")
    child = stage.spawn_child(parent, "c", stopped=trip)
    child.watch(probe.ref)
    child.tell(stop())
    child.tell("x")
    stage.run()
    parent.stop()
    stage.run()

    assert stage.failures == [("p/c", "ValueError", STOP)]
    assert stage.dead == [("p/c", "x")]
    assert len(probe.mails) == 1
    assert not parent.alive


def test_a_mail_held_while_stopping_is_given_to_stopped(stage: Stage) -> None:
    gate = Gate()
    ref = stage.spawn()
    ref.tell(pipe(gate))
    ref.tell(stop())
    stage.run()
    ref.signal(Do("hold", lambda ctx: ctx.hold("kept")))
    ref.signal("A")

    assert stage.run() == ["a hold", "a A"]
    gate.is_open = True
    assert stage.run() == ["a passed", "a stopped ['kept']"]


def test_a_mail_held_in_stopped_is_a_dead_letter(stage: Stage) -> None:
    stage.spawn(stopped=lambda ctx: ctx.hold("kept")).stop()
    stage.run()

    assert stage.dead == [("a", "kept")]


def test_an_actor_that_watches_itself_is_nobodys_loss_but_a_dead_letter(stage: Stage) -> None:
    ref = stage.spawn(stopped=lambda ctx: ctx.ref.watch(ctx.ref))
    ref.stop()
    stage.run()

    assert [name for name, _ in stage.dead] == ["a"]


def test_whoever_waits_for_room_is_called_at_the_end_of_the_actor(stage: Stage) -> None:
    called: list[bool] = []
    ref = stage.spawn(bounds=Bounds(items=2, low=0))
    ref.tell(hold())
    stage.run()
    ref.tell("x")
    ref.on_room(lambda: called.append(ref.alive))
    ref.stop()
    stage.run()

    assert called == [False]


def test_whoever_waits_for_room_of_heavy_mail_is_called_though_the_actor_waits_to_end(stage: Stage) -> None:
    gate, called = Gate(), []
    ref = stage.spawn(bounds=Bounds(items=9, weight=10, low=5))
    ref.tell(pipe(gate))
    stage.run()
    ref.tell("x", 10)
    ref.stop()
    stage.run()
    ref.on_room(lambda: called.append(ref.alive))
    ref.signal("A")
    stage.run()

    assert called == []
    gate.is_open = True
    stage.run()
    assert called == [False]


# --- children ---------------------------------------------------------------------------------------------------------


def test_children_end_before_their_parents(stage: Stage) -> None:
    top = stage.spawn("top")
    middle = stage.spawn_child(top, "middle")
    stage.spawn_child(middle, "leaf")
    stage.spawn_child(top, "other")
    stage.run()
    top.stop()

    assert stage.run() == ["other stopped []", "leaf stopped []", "middle stopped []", "top stopped []"]


def test_a_childs_name_is_a_path(stage: Stage) -> None:
    assert stage.spawn_child(stage.spawn("p"), "c").name == "p/c"


def test_two_living_children_of_one_name_are_refused(stage: Stage) -> None:
    parent, child = family(stage)
    again = Do("again", lambda ctx: ctx.spawn(stage.props("c"), "c"))
    parent.tell(again)
    stage.run()

    assert stage.failures == [("p", "KernelError", RESUME)]
    child.stop()
    stage.run()
    parent.tell(again)
    stage.run()
    assert len(stage.failures) == 1


@pytest.mark.parametrize("method", ["flush", "stopped"])
def test_an_actor_that_stops_gets_no_more_children(stage: Stage, method: str) -> None:
    ref = stage.spawn_now(started=lambda ctx: ctx.stop(), **{method: lambda ctx: ctx.spawn(stage.props("c"), "c")})
    stage.run()

    assert stage.failures == [("a", "KernelError", STOP)]
    assert stage.system.statistics().actors == 0
    assert not ref.alive


def test_a_parent_stops_its_child(stage: Stage) -> None:
    parent, child = family(stage)
    parent.tell(Do("stop child", lambda ctx: ctx.stop_child(child, "enough")))

    assert stage.run() == ["p stop child", "c stopped []"]
    assert parent.alive


def test_a_child_that_is_gone_already_may_be_stopped_again(stage: Stage) -> None:
    parent, child = family(stage)
    child.stop()
    stage.run()
    parent.tell(Do("stop child", lambda ctx: ctx.stop_child(child)))
    stage.run()

    assert stage.failures == []


def test_only_a_parent_stops_a_child(stage: Stage) -> None:
    _, child = family(stage)
    stranger = stage.spawn("stranger")
    stranger.tell(Do("stop child", lambda ctx: ctx.stop_child(child)))
    stage.run()

    assert stage.failures == [("stranger", "KernelError", RESUME)]
    assert child.alive


def test_the_end_of_the_last_child_reaches_a_parent_that_stops(stage: Stage) -> None:
    parent, child = family(stage)
    child.watch(parent)
    parent.stop()

    assert stage.run()[0] == "c stopped []"
    assert stage.dead == []


# --- watching ---------------------------------------------------------------------------------------------------------


def test_those_who_watch_are_told_of_the_end_and_why(stage: Stage) -> None:
    probe = Probe[Any](stage.system)
    ref = stage.spawn()
    ref.watch(probe.ref)
    ref.tell(stop("enough"))
    stage.run()

    assert [(mail.ref, mail.reason) for mail in probe.mails] == [(ref, "enough")]


def test_whoever_watches_an_actor_that_is_gone_is_told_at_once(stage: Stage) -> None:
    probe = Probe[Any](stage.system)
    ref = stage.spawn()
    ref.stop("gone")
    stage.run()
    ref.watch(probe.ref)
    stage.run()

    assert [mail.reason for mail in probe.mails] == ["gone"]


def test_unwatch_undoes_one_watch(stage: Stage) -> None:
    probe = Probe[Any](stage.system)
    ref = stage.spawn()
    ref.unwatch(probe.ref)
    ref.watch(probe.ref)
    ref.watch(probe.ref)
    ref.unwatch(probe.ref)
    ref.stop()
    stage.run()

    assert len(probe.mails) == 1


# --- pipes and timers -------------------------------------------------------------------------------------------------


def test_the_result_of_piped_work_comes_as_control_mail(stage: Stage) -> None:
    gate = Gate()
    ref = stage.spawn()
    ref.tell(pipe(gate))
    stage.run()
    gate.is_open = True
    stage.manual.run_round()
    ref.tell("x")

    assert stage.run() == ["a passed", "a x"]


def test_the_error_of_piped_work_comes_as_control_mail(stage: Stage) -> None:
    async def work() -> str:
        raise KeyError("lost")

    ref = stage.spawn()
    ref.tell(Do("pipe", lambda ctx: ctx.pipe(work(), str, lambda error: f"error {error}")))

    assert stage.run() == ["a pipe", "a error 'lost'"]


def test_an_actor_waits_for_its_piped_work_before_it_ends(stage: Stage) -> None:
    gate = Gate()
    ref = stage.spawn()
    for mail in (pipe(gate), stop(), "x"):
        ref.tell(mail)

    assert stage.run() == ["a pipe", "a stop"]
    assert ref.alive
    assert ref.tell("y")
    gate.is_open = True
    assert stage.run() == ["a passed", "a stopped ['x', 'y']"]


def test_control_mail_left_by_a_stop_keeps_no_later_mail_from_waking_the_actor(stage: Stage) -> None:
    gate = Gate()
    ref = stage.spawn()
    for mail in (pipe(gate), stop(), "A"):
        ref.signal(mail)

    assert stage.run() == ["a pipe", "a stop", "a A"]
    gate.is_open = True
    assert stage.run() == ["a passed", "a stopped []"]


def test_a_signal_to_itself_while_stopping_keeps_no_later_mail_from_waking_the_actor(stage: Stage) -> None:
    gate = Gate()
    ref = stage.spawn()
    for mail in (pipe(gate), stop()):
        ref.signal(mail)
    stage.run()
    ref.signal(Do("self", lambda ctx: ctx.ref.signal("B")))

    assert stage.run() == ["a self", "a B"]
    gate.is_open = True
    assert stage.run() == ["a passed", "a stopped []"]


def test_a_failure_while_stopping_loses_none_of_the_other_control_mail(stage: Stage) -> None:
    gate = Gate()
    ref = stage.spawn()
    for mail in (pipe(gate), stop()):
        ref.signal(mail)
    stage.run()
    for mail in (fail(RESTART), "A", "B"):
        ref.signal(mail)

    assert stage.run()[2:] == ["a A", "a B"]
    assert stage.system.statistics().restarts == 0


def test_a_flush_that_fails_while_stopping_is_counted(stage: Stage) -> None:
    gate = Gate()
    ref = stage.spawn(flush=lambda ctx: trip(ctx) if ctx.paused or stage.failures else None)
    ref.tell(pipe(gate))
    ref.tell(stop())
    stage.run()
    gate.is_open = True
    stage.run()

    assert not ref.alive
    assert stage.failures == [("a", "ValueError", STOP), ("a", "ValueError", STOP)]


def test_work_piped_while_stopping_is_waited_for_too(stage: Stage) -> None:
    first, second = Gate(), Gate()
    ref = stage.spawn()
    for mail in (pipe(first), stop()):
        ref.signal(mail)
    stage.run()
    ref.signal(pipe(second))
    stage.run()
    first.is_open = True
    stage.run()

    assert ref.alive
    second.is_open = True
    assert stage.run() == ["a passed", "a stopped []"]


def test_work_piped_in_stopped_ends_as_a_dead_letter(stage: Stage) -> None:
    gate = Gate()
    gate.is_open = True
    stage.spawn(stopped=lambda ctx: ctx.pipe(gate.pass_through(), str, str)).stop()
    stage.run()

    assert stage.dead == [("a", "passed")]


@pytest.mark.parametrize("is_stopping", [False, True])
def test_a_result_that_can_not_be_made_a_mail_is_a_failure(stage: Stage, is_stopping: bool) -> None:
    def broken(value: object) -> Any:
        raise KeyError("no mail")

    gate = Gate()
    ref = stage.spawn()
    ref.tell(Do("pipe", lambda ctx: ctx.pipe(gate.pass_through(), broken, broken)))
    if is_stopping:
        ref.tell(stop())
    stage.run()
    gate.is_open = True

    assert stage.run()[0] == "a failed None"
    assert stage.failures == [("a", "KeyError", STOP if is_stopping else RESUME)]
    assert ref.alive is not is_stopping


def test_after_a_restart_piped_work_comes_home_to_the_new_actor(stage: Stage) -> None:
    gate = Gate()
    ref = stage.spawn()
    ref.tell(pipe(gate))
    ref.tell(fail(RESTART))
    stage.run()
    gate.is_open = True

    assert stage.run() == ["a passed"]


def test_cancelled_work_brings_a_timeout(stage: Stage) -> None:
    gate = Gate()
    ref = stage.spawn()
    ref.tell(pipe(gate))
    stage.run()
    stage.manual.dispatcher.cancel_async()

    assert stage.run() == ["a TimeoutError: cancelled"]
    assert gate.was_cancelled


def test_a_reminder_comes_as_control_mail_when_it_is_due(stage: Stage) -> None:
    ref = stage.spawn()
    ref.tell(Do("after", lambda ctx: ctx.after(5, "now")))
    stage.run()
    stage.manual.advance(4.9)

    assert stage.run() == []
    stage.manual.advance(0.1)
    assert stage.run() == ["a now"]


def test_a_cancelled_reminder_never_comes(stage: Stage) -> None:
    ref = stage.spawn()
    ref.tell(Do("after", lambda ctx: ctx.after(5, "now").cancel()))
    stage.manual.advance(10)

    assert stage.run() == ["a after"]


def test_a_reminder_that_outlives_its_actor_is_no_dead_letter(stage: Stage) -> None:
    ref = stage.spawn()
    ref.tell(Do("after", lambda ctx: ctx.after(5, "now"), lambda ctx: ctx.stop()))
    stage.manual.advance(10)

    assert stage.dead == []


def test_a_context_tells_the_time_of_the_system(stage: Stage) -> None:
    times: list[float] = []
    ref = stage.spawn()
    stage.manual.advance(5)
    ref.tell(Do("time", lambda ctx: times.append(ctx.now)))
    stage.run()

    assert times == [1005.0]


def test_a_child_of_the_same_name_as_one_that_ends_is_refused_until_it_has_ended() -> None:
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher)
    errors: list[Exception] = []

    def replace(ctx: Context[Any]) -> None:
        ctx.stop_child(ctx.spawn(Props(lambda: Scripted([], "c", {})), "c"))
        with pytest.raises(KernelError, match="a child named p/c lives already") as caught:
            ctx.spawn(Props(lambda: Scripted([], "c", {})), "c")
        errors.append(caught.value)

    system.spawn(Props(lambda: Scripted([], "p", {"started": replace})), "p")
    manual.run_until_idle()

    assert len(errors) == 1

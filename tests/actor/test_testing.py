"""The test doubles themselves: they are public, so they are tested."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from arqonbus.actor import ActorSystem, Bounds, Props
from arqonbus.actor.testing import FakeClock, ManualDispatcher, ManualTask, Probe
from tests.actor.stage import Gate, Scripted

# --- FakeClock --------------------------------------------------------------------------------------------------------


def test_the_clock_moves_only_when_told() -> None:
    clock = FakeClock(10)

    assert clock.time() == 10
    clock.advance(2.5)
    assert clock.time() == 12.5


def test_the_clock_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="expected seconds >= 0, got -1"):
        FakeClock().advance(-1)


def test_timers_run_in_the_order_of_their_time_and_see_it() -> None:
    clock, log = FakeClock(0), []
    clock.call_later(3, lambda: log.append(("late", clock.time())))
    clock.call_later(1, lambda: log.append(("early", clock.time())))
    clock.call_later(1, lambda: log.append(("early too", clock.time())))
    clock.call_later(9, lambda: log.append(("not yet", clock.time())))
    clock.advance(5, lambda: log.append("between"))

    assert log == [("early", 1), "between", ("early too", 1), "between", ("late", 3), "between", "between"]


def test_a_timer_that_sets_another_one_sees_it_run_in_the_same_advance() -> None:
    clock, log = FakeClock(0), []
    clock.call_later(1, lambda: clock.call_later(1, lambda: log.append(clock.time())))
    clock.advance(2)

    assert log == [2]


def test_a_timer_that_is_overdue_runs_now() -> None:
    clock, log = FakeClock(5), []
    clock.call_later(-3, lambda: log.append(clock.time()))
    clock.advance(0)

    assert log == [5]


def test_a_cancelled_timer_never_fires_and_a_fired_one_fires_once() -> None:
    clock, log = FakeClock(), []
    cancelled = clock.call_later(1, lambda: log.append("cancelled"))
    fired = clock.call_later(1, lambda: log.append("fired"))
    cancelled.cancel()
    clock.advance(1)
    fired.fire()
    fired.cancel()

    assert log == ["fired"]


# --- ManualTask -------------------------------------------------------------------------------------------------------


async def two_steps() -> None:
    await asyncio.sleep(0)


def test_a_task_runs_step_by_step_and_then_tells() -> None:
    ended: list[Any] = []
    task = ManualTask(two_steps())
    task.add_done_callback(ended.append)
    task.step()

    assert (task.is_done, ended) == (False, [])
    task.step()
    task.step()
    assert (task.is_done, ended) == (True, [task])


def test_a_task_that_waits_for_a_future_is_not_stepped() -> None:
    gate = Gate()
    task = ManualTask(gate.pass_through())
    task.step()

    assert not task.is_ready
    task.step()
    assert not task.is_done
    gate.is_open = True
    task.step()
    assert task.is_done


def test_a_cancelled_task_is_told_where_it_waits() -> None:
    gate = Gate()
    task = ManualTask(gate.pass_through())
    task.step()
    task.cancel()
    task.cancel()

    assert task.is_done
    assert gate.was_cancelled


def test_a_task_may_survive_its_cancellation() -> None:
    async def stubborn() -> None:
        try:
            await two_steps()
        except asyncio.CancelledError:
            await two_steps()

    task = ManualTask(stubborn())
    task.step()
    task.cancel()

    assert not task.is_done
    task.step()
    assert task.is_done


def test_a_task_that_fails_is_done_and_shows_its_error() -> None:
    async def failing() -> None:
        raise KeyError("lost")

    task = ManualTask(failing())
    with pytest.raises(KeyError, match="lost"):
        task.step()

    assert task.is_done


# --- ManualDispatcher -------------------------------------------------------------------------------------------------


def test_nothing_runs_before_the_test_says_so() -> None:
    manual, log = ManualDispatcher(), []
    manual.call_soon(lambda: log.append("soon"))

    assert log == []
    assert manual.run_round()
    assert not manual.run_round()
    assert log == ["soon"]


def test_callbacks_run_in_the_order_that_the_test_wants() -> None:
    manual, log = ManualDispatcher(order=lambda n: n - 1), []
    for name in "abc":
        manual.call_soon(lambda name=name: log.append(name))
    manual.run_until_idle()

    assert log == ["c", "b", "a"]


def test_turns_run_in_the_order_that_the_test_wants() -> None:
    log: list[str] = []
    manual = ManualDispatcher(order=lambda n: n - 1)
    system = ActorSystem(manual.dispatcher)
    for name in "abc":
        system.spawn(Props(lambda name=name: Scripted(log, name, {})), name)

    assert system.statistics().ready == 3
    manual.run_until_idle()
    assert log == ["c started", "b started", "a started"]
    assert system.statistics().turns == 3
    assert system.statistics().ready == 0


def test_a_task_that_waits_for_good_lets_the_test_go_on() -> None:
    manual, gate = ManualDispatcher(), Gate()
    task = manual.create_task(gate.pass_through())
    manual.run_until_idle()

    assert not task.is_done
    gate.is_open = True
    manual.run_until_idle()
    assert task.is_done


def test_a_task_that_yields_for_ever_lets_the_test_go_on() -> None:
    async def patient() -> None:
        while not is_enough:
            await asyncio.sleep(0)

    is_enough = False
    manual = ManualDispatcher()
    task = manual.create_task(patient())
    manual.run_until_idle()

    assert not task.is_done
    is_enough = True
    manual.run_until_idle()
    assert task.is_done


def test_callbacks_that_feed_each_other_for_ever_are_a_bug() -> None:
    manual = ManualDispatcher()

    def again() -> None:
        manual.call_soon(again)

    again()
    with pytest.raises(AssertionError, match="still busy after 100000 rounds"):
        manual.run_until_idle()


def test_time_passes_for_timers_and_what_they_set_going() -> None:
    manual, log = ManualDispatcher(), []
    manual.call_soon(lambda: log.append(("before", manual.time())))
    manual.call_later(1, lambda: manual.call_soon(lambda: log.append(("at", manual.time()))))
    manual.advance(2)

    assert log == [("before", 1000.0), ("at", 1001.0)]
    assert manual.time() == 1002.0


def test_a_clock_may_be_shared() -> None:
    clock = FakeClock(5)

    assert ManualDispatcher(clock).time() == 5


# --- Probe ------------------------------------------------------------------------------------------------------------


def test_a_probe_keeps_what_it_is_told_until_it_is_taken() -> None:
    manual = ManualDispatcher()
    probe = Probe[str](ActorSystem(manual.dispatcher))
    probe.ref.tell("x")
    probe.ref.signal("A")
    manual.run_until_idle()

    assert probe.mails == ["A", "x"]
    assert probe.take() == ["A", "x"]
    assert probe.take() == []


def test_a_probe_may_be_named_and_bounded() -> None:
    probe = Probe[str](ActorSystem(ManualDispatcher().dispatcher), "small", Bounds(items=1, low=0))

    assert probe.ref.name == "small"
    assert [probe.ref.tell(mail) for mail in "xy"] == [True, False]


def test_a_clock_tells_when_its_next_timer_is_due() -> None:
    clock = FakeClock(100.0)
    assert clock.next_at is None

    clock.call_later(5.0, lambda: None)
    clock.call_later(2.0, lambda: None)

    assert clock.next_at == 102.0
    clock.advance(3.0)
    assert clock.next_at == 105.0

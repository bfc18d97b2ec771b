"""Dispatcher: whose turn it is, when the loop has its own, and piped work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from arqonbus.actor.dispatcher import OWED_LOOKS, SLICE_S, TURNS_A_LOOK, Dispatcher
from arqonbus.actor.testing import FakeClock, ManualDispatcher
from tests.actor.stage import Gate


class Named:
    """A turn that notes its name."""

    def __init__(self, log: list[Any], name: Any, then: Callable[[], None] = lambda: None) -> None:
        self.log = log
        self.name = name
        self.then = then

    def run(self) -> None:
        self.log.append(self.name)
        self.then()


class SlowClock(FakeClock):
    """Every look at it takes a whole slice."""

    def time(self) -> float:
        self.advance(SLICE_S)
        return super().time()


# --- turns ------------------------------------------------------------------------------------------------------------


def test_turns_run_first_come_first_served_and_not_at_once() -> None:
    manual, log = ManualDispatcher(), []
    for name in "abc":
        manual.dispatcher.enqueue(Named(log, name))

    assert (log, manual.dispatcher.n_ready) == ([], 3)
    manual.run_until_idle()
    assert (log, manual.dispatcher.n_ready) == (["a", "b", "c"], 0)
    assert manual.dispatcher.n_turns == 3


def test_one_callback_of_the_loop_runs_all_that_is_ready() -> None:
    manual, log = ManualDispatcher(), []
    for n in range(3 * TURNS_A_LOOK):
        manual.dispatcher.enqueue(Named(log, n))
    manual.run_round()

    assert len(log) == 3 * TURNS_A_LOOK
    assert not manual.run_round()


def test_a_turn_that_asks_for_another_waits_for_all_others() -> None:
    manual, log = ManualDispatcher(), []
    again = Named(log, "again")
    manual.dispatcher.enqueue(Named(log, "busy", lambda: manual.dispatcher.enqueue(again)))
    manual.dispatcher.enqueue(Named(log, "other"))
    manual.run_until_idle()

    assert log == ["busy", "other", "again"]


def test_after_a_slice_the_loop_has_its_turn() -> None:
    manual, log = ManualDispatcher(SlowClock()), []
    for n in range(TURNS_A_LOOK + 1):
        manual.dispatcher.enqueue(Named(log, n))
    manual.call_soon(lambda: log.append("the loop"))
    manual.run_until_idle()

    assert log == [*range(TURNS_A_LOOK), "the loop", TURNS_A_LOOK]


def test_the_time_of_a_turn_is_that_of_the_last_look() -> None:
    manual, log = ManualDispatcher(), []
    manual.advance(5)
    manual.dispatcher.enqueue(Named(log, "a", lambda: log.append(manual.dispatcher.turn_at)))
    manual.run_until_idle()

    assert log == ["a", 1005.0]
    assert manual.dispatcher.now() == 1005.0


def test_a_turn_that_is_interrupted_leaves_the_others_theirs() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    manual, log = ManualDispatcher(), []
    manual.dispatcher.enqueue(Named(log, "bad", interrupt))
    manual.dispatcher.enqueue(Named(log, "good"))
    with pytest.raises(KeyboardInterrupt):
        manual.run_until_idle()
    manual.run_until_idle()

    assert log == ["bad", "good"]


def test_an_interrupted_dispatcher_with_nothing_ready_is_woken_by_the_next() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    manual, log = ManualDispatcher(), []
    manual.dispatcher.enqueue(Named(log, "bad", interrupt))
    with pytest.raises(KeyboardInterrupt):
        manual.run_until_idle()
    manual.dispatcher.enqueue(Named(log, "good"))
    manual.run_until_idle()

    assert log == ["bad", "good"]


def test_what_is_deferred_runs_in_the_next_round() -> None:
    manual, log = ManualDispatcher(), []
    manual.dispatcher.defer(lambda: log.append("deferred"))

    assert log == []
    manual.run_until_idle()
    assert log == ["deferred"]


def test_a_timer_runs_when_it_is_due_unless_cancelled() -> None:
    manual, log = ManualDispatcher(), []
    manual.dispatcher.call_later(5, lambda: log.append("due"))
    manual.dispatcher.call_later(5, lambda: log.append("cancelled")).cancel()
    manual.advance(5)

    assert log == ["due"]


# --- piped work -------------------------------------------------------------------------------------------------------


def test_work_brings_its_result() -> None:
    manual, gate, home = ManualDispatcher(), Gate(), []
    manual.dispatcher.run_async(gate.pass_through(), lambda value, error: home.append((value, error)))
    manual.run_until_idle()

    assert home == []
    gate.is_open = True
    manual.run_until_idle()
    assert home == [("passed", None)]


def test_work_brings_its_error() -> None:
    async def fail() -> None:
        raise error

    error = KeyError("lost")
    manual, home = ManualDispatcher(), []
    manual.dispatcher.run_async(fail(), lambda value, error: home.append((value, error)))
    manual.run_until_idle()

    assert home == [(None, error)]


def brought(home: list[Any]) -> Callable[[Any, Exception | None], None]:
    return lambda value, error: home.append((value, type(error), str(error)))


CANCELLED = (None, TimeoutError, "cancelled")


@pytest.mark.parametrize("n_rounds", [0, 1])
def test_cancelled_work_brings_a_timeout_once_be_it_begun_or_not(n_rounds: int) -> None:
    manual, home = ManualDispatcher(), []
    manual.dispatcher.run_async(Gate().pass_through(), brought(home))
    for _ in range(n_rounds):
        manual.run_round()
    manual.dispatcher.cancel_async()
    manual.dispatcher.cancel_async()
    manual.run_until_idle()

    assert home == [CANCELLED]


def test_work_that_ended_is_not_cancelled() -> None:
    manual, gate, home = ManualDispatcher(), Gate(), []
    gate.is_open = True
    manual.dispatcher.run_async(gate.pass_through(), brought(home))
    manual.run_until_idle()
    manual.dispatcher.cancel_async()

    assert len(home) == 1


async def test_on_a_loop_work_brings_its_result() -> None:
    home: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    dispatcher = Dispatcher(asyncio.get_running_loop())
    dispatcher.run_async(asyncio.sleep(0, "slept"), lambda value, error: home.set_result((value, error)))

    assert await asyncio.wait_for(home, 5) == ("slept", None)


@pytest.mark.parametrize("n_rounds", [0, 1, 2])
async def test_on_a_loop_cancelled_work_brings_a_timeout_once_be_it_begun_or_not(n_rounds: int) -> None:
    home: list[Any] = []
    dispatcher = Dispatcher(asyncio.get_running_loop())
    dispatcher.run_async(asyncio.Event().wait(), brought(home))
    for _ in range(n_rounds):
        await asyncio.sleep(0)
    dispatcher.cancel_async()
    for _ in range(4):
        await asyncio.sleep(0)

    assert home == [CANCELLED]


async def test_on_a_loop_a_future_that_is_cancelled_by_others_brings_a_timeout() -> None:
    home: list[Any] = []
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    dispatcher = Dispatcher(asyncio.get_running_loop())
    dispatcher.run_async(future, brought(home))
    future.cancel()
    for _ in range(4):
        await asyncio.sleep(0)

    assert home == [CANCELLED]


async def test_on_a_loop_turns_run_soon() -> None:
    log: list[str] = []
    dispatcher = Dispatcher(asyncio.get_running_loop())
    dispatcher.enqueue(Named(log, "a"))
    dispatcher.enqueue(Named(log, "b"))
    await asyncio.sleep(0)

    assert log == ["a", "b"]


# --- two queues -------------------------------------------------------------------------------------------------------


def test_cells_with_control_mail_only_come_after_those_with_user_mail() -> None:
    manual, log = ManualDispatcher(), []
    manual.dispatcher.enqueue_later(Named(log, "later"))
    manual.dispatcher.enqueue(Named(log, "first"))

    assert manual.dispatcher.n_ready == 2
    manual.run_until_idle()
    assert log == ["first", "later"]


def test_cells_with_control_mail_only_are_not_starved() -> None:
    manual, log = ManualDispatcher(), []
    for n in range(10 * TURNS_A_LOOK):
        manual.dispatcher.enqueue(Named(log, n))
    manual.dispatcher.enqueue_later(Named(log, "later"))
    manual.run_until_idle()

    assert log.index("later") == (OWED_LOOKS - 1) * TURNS_A_LOOK


def test_a_cell_that_comes_later_wakes_the_dispatcher_alone() -> None:
    manual, log = ManualDispatcher(), []
    manual.dispatcher.enqueue_later(Named(log, "later"))

    manual.run_until_idle()

    assert log == ["later"]

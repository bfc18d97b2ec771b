"""Test doubles of the kernel, public: a loop driven by hand, a clock set by hand, and a ref that records.

manual = ManualDispatcher()
system = ActorSystem(manual.dispatcher)
ref = system.spawn(Props(MyActor), "mine")
ref.tell("hello")
manual.run_until_idle()          # no event loop, no sleep
manual.clock.advance(60)         # timers due by then run
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from itertools import count
from typing import Any, Generic, TypeVar

from arqonbus.actor.actor import Actor, Context, Props
from arqonbus.actor.dispatcher import Dispatcher, Loop, Turn
from arqonbus.actor.mailbox import Bounds
from arqonbus.actor.ref import Ref
from arqonbus.actor.system import ActorSystem

__all__ = ["FakeClock", "ManualDispatcher", "ManualTask", "Probe"]

M = TypeVar("M")

STEPS_OF_PATIENCE = 100  # of run_until_idle with tasks that only yield: more than any chain of yields in a test
MAX_ROUNDS = 100_000  # of run_until_idle: actors that feed each other for ever are a bug, not a long test


class FakeClock:
    """Monotonic seconds that move only by ``advance``. Timers due run in order of their time."""

    def __init__(self, start: float = 1000.0) -> None:
        self._now = start
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._order = count()

    def time(self) -> float:
        """Seconds now."""
        return self._now

    def call_later(self, delay: float, callback: Callable[[], Any]) -> FakeTimer:
        """Keep ``callback`` until the clock reaches now + ``delay``."""
        timer = FakeTimer(callback)
        heapq.heappush(self._timers, (self._now + delay, next(self._order), timer))
        return timer

    @property
    def next_at(self) -> float | None:
        """When the next timer is due, cancelled or not; None: there is none."""
        return self._timers[0][0] if self._timers else None

    def advance(self, seconds: float, between: Callable[[], Any] = lambda: None) -> None:
        """Move on by ``seconds`` (>= 0), running each timer at its own time and ``between`` after each."""
        if seconds < 0:
            raise ValueError(f"expected seconds >= 0, got {seconds}")
        end = self._now + seconds
        while self._timers and self._timers[0][0] <= end:
            at, _, timer = heapq.heappop(self._timers)
            self._now = max(self._now, at)
            timer.fire()
            between()
        self._now = end
        between()


class FakeTimer:
    """A callback that waits on a FakeClock."""

    def __init__(self, callback: Callable[[], Any]) -> None:
        self._callback: Callable[[], Any] | None = callback

    def cancel(self) -> None:
        """Never fire."""
        self._callback = None

    def fire(self) -> None:
        """Run once, unless cancelled."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class ManualTask:
    """Stands for a task: runs its coroutine one step a round. What it awaits, the test brings about."""

    def __init__(self, coro: Coroutine[Any, Any, Any]) -> None:
        self._coro = coro
        self._waits_for: Any = None  # a future, or None: a bare yield, which waits for nothing but its next step
        self._callbacks: list[Callable[[Any], Any]] = []
        self.is_done = False

    @property
    def is_ready(self) -> bool:
        """Whether a step would lead on: it waits for no future that is still open."""
        return not self.is_done and (self._waits_for is None or self._waits_for.done())

    def step(self) -> None:
        """Run to the next suspension, or to the end. Without effect while it waits for a future."""
        if self.is_ready:
            self._resume(self._coro.send, None)

    def add_done_callback(self, callback: Callable[[Any], Any]) -> None:
        """Call ``callback`` at the end."""
        self._callbacks.append(callback)

    def cancel(self) -> None:
        """Raise CancelledError where it is suspended, at once."""
        if not self.is_done:
            self._resume(self._coro.throw, asyncio.CancelledError())

    def _resume(self, resume: Callable[[Any], Any], value: Any) -> None:
        try:
            self._waits_for = resume(value)
        except (StopIteration, asyncio.CancelledError):
            self._end()
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        self.is_done = True
        for callback in self._callbacks:
            callback(self)


class _TurnByTurn(Dispatcher):
    """Runs each turn from a callback of its own, so that the order of the loop's callbacks is that of the turns."""

    __slots__ = ()

    def __init__(self, loop: Loop) -> None:
        super().__init__(loop)
        self.lines = (deque(), deque())  # nobody ever stands there: each cell comes by enqueue

    def enqueue(self, cell: Turn) -> None:
        self._ready.append(cell)
        self._loop.call_soon(partial(self._run_one, cell))

    def enqueue_later(self, cell: Turn) -> None:
        self.enqueue(cell)  # any order is tried, so none goes first

    def _run_one(self, cell: Turn) -> None:
        self._ready.remove(cell)
        self.n_turns += 1
        self.turn_at = self._loop.time()
        cell.run()


class ManualDispatcher:
    """A dispatcher whose loop is driven by the test.

    Args:
        clock: shared with the test; a new one by default.
        order: picks the index of the next turn or callback to run out of ``n`` that wait, to try other interleavings
            than that of the real dispatcher, which is used when there is none: first come, first served.
    """

    def __init__(self, clock: FakeClock | None = None, order: Callable[[int], int] | None = None) -> None:
        self.clock = clock or FakeClock()
        self._order = order or _first
        self._soon: deque[Callable[[], Any]] = deque()
        self._tasks: list[ManualTask] = []
        self.dispatcher = Dispatcher(self) if order is None else _TurnByTurn(self)

    # --- Loop ---------------------------------------------------------------------------------------------------

    def call_soon(self, callback: Callable[[], Any]) -> None:
        """See Loop."""
        self._soon.append(callback)

    def call_later(self, delay: float, callback: Callable[[], Any]) -> FakeTimer:
        """See Loop."""
        return self.clock.call_later(delay, callback)

    def time(self) -> float:
        """See Loop."""
        return self.clock.time()

    def create_task(self, coro: Coroutine[Any, Any, Any]) -> ManualTask:
        """See Loop."""
        task = ManualTask(coro)
        self._tasks.append(task)
        return task

    # --- for the test -------------------------------------------------------------------------------------------

    def run_round(self) -> bool:
        """Run one waiting callback and one step of each task. Returns whether anything ran."""
        ready = [task for task in self._tasks if task.is_ready]
        ran = bool(self._soon or ready)
        if self._soon:
            index = self._order(len(self._soon)) % len(self._soon)
            self._soon.rotate(-index)
            callback = self._soon.popleft()
            self._soon.rotate(index)
            callback()
        for task in ready:
            task.step()
        self._tasks = [task for task in self._tasks if not task.is_done]
        return ran

    def run_until_idle(self) -> None:
        """Run until nothing waits but timers, and tasks for a future or, in STEPS_OF_PATIENCE steps, for nothing."""
        n_fruitless = 0
        for _ in range(MAX_ROUNDS):
            n_tasks, has_callbacks = len(self._tasks), bool(self._soon)
            if not self.run_round() or n_fruitless == STEPS_OF_PATIENCE:
                return
            is_fruitful = has_callbacks or len(self._tasks) < n_tasks
            n_fruitless = 0 if is_fruitful else n_fruitless + 1
        raise AssertionError(f"still busy after {MAX_ROUNDS} rounds")

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass: timers run at their time, and all that they set going."""
        self.run_until_idle()
        self.clock.advance(seconds, self.run_until_idle)


def _first(n: int) -> int:
    return 0


class _Recorder(Actor[Any]):
    def __init__(self, mails: list[Any]) -> None:
        self._mails = mails

    def receive(self, mail: Any, ctx: Context[Any]) -> None:
        self._mails.append(mail)


class Probe(Generic[M]):
    """An actor that records what it is told. ``probe.ref`` is its ref, ``probe.mails`` what came, oldest first."""

    def __init__(self, system: ActorSystem, name: str = "probe", bounds: Bounds | None = None) -> None:
        self.mails: list[M] = []
        props: Props[M] = Props(lambda: _Recorder(self.mails), bounds or Bounds())
        self.ref: Ref[M] = system.spawn(props, name)

    def take(self) -> list[M]:
        """Give what came since the last take, and forget it."""
        taken = list(self.mails)
        self.mails.clear()
        return taken

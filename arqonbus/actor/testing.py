"""Test doubles of the kernel, public: a loop driven by hand, a clock set by hand, and a ref that records.

manual = ManualDispatcher()
system = ActorSystem(manual.dispatcher)
ref = system.spawn(Props(MyActor), "mine")
ref.tell("hello")
manual.run_until_idle()          # no event loop, no sleep
manual.clock.advance(60)         # timers due by then run
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, Generic, TypeVar

from arqonbus.actor.actor import Actor, Context, Props
from arqonbus.actor.dispatcher import Dispatcher
from arqonbus.actor.ref import Ref
from arqonbus.actor.system import ActorSystem

__all__ = ["FakeClock", "ManualDispatcher", "ManualTask", "Probe"]

M = TypeVar("M")

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

    def advance(self, seconds: float, between: Callable[[], Any] = lambda: None) -> None:
        """Move on by ``seconds``, running each timer at its own time and ``between`` after each."""
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
    """Stands for a task: runs its coroutine step by step each round, with no real waiting inside it."""

    def __init__(self, coro: Coroutine[Any, Any, Any]) -> None:
        self._coro = coro
        self._callbacks: list[Callable[[Any], Any]] = []
        self.is_done = False

    def step(self) -> None:
        """Run to the next suspension, or to the end."""
        if self.is_done:
            return
        try:
            self._coro.send(None)
        except StopIteration:
            self._end()

    def add_done_callback(self, callback: Callable[[Any], Any]) -> None:
        """Call ``callback`` at the end."""
        self._callbacks.append(callback)

    def cancel(self) -> None:
        """End it without a result."""
        self._coro.close()
        self._end()

    def _end(self) -> None:
        self.is_done = True
        for callback in self._callbacks:
            callback(self)


class ManualDispatcher:
    """A dispatcher whose loop is driven by the test. ``order`` may shuffle what is ready, to try other interleavings.

    Args:
        clock: shared with the test; a new one by default.
        order: picks the index of the next callback to run out of ``n`` that wait; 0 (first come) by default.
    """

    def __init__(self, clock: FakeClock | None = None, order: Callable[[int], int] = lambda n: 0) -> None:
        self.clock = clock or FakeClock()
        self._order = order
        self._soon: deque[Callable[[], Any]] = deque()
        self._tasks: list[ManualTask] = []
        self.dispatcher = Dispatcher(self)

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
        ran = bool(self._soon or self._tasks)
        if self._soon:
            index = self._order(len(self._soon)) % len(self._soon)
            self._soon.rotate(-index)
            callback = self._soon.popleft()
            self._soon.rotate(index)
            callback()
        for task in self._tasks:
            task.step()
        self._tasks = [task for task in self._tasks if not task.is_done]
        return ran

    def run_until_idle(self) -> None:
        """Run until nothing waits but timers and tasks that are suspended for good."""
        for _ in range(MAX_ROUNDS):
            if not self._soon and not self._tasks:
                return
            self.run_round()
        raise AssertionError(f"still busy after {MAX_ROUNDS} rounds")

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass: timers run at their time, and all that they set going."""
        self.run_until_idle()
        self.clock.advance(seconds, self.run_until_idle)


class _Recorder(Actor[Any]):
    def __init__(self, mails: list[Any]) -> None:
        self._mails = mails

    def receive(self, mail: Any, ctx: Context[Any]) -> None:
        self._mails.append(mail)


class Probe(Generic[M]):
    """An actor that records what it is told. ``probe.ref`` is its ref, ``probe.mails`` what came, oldest first."""

    def __init__(self, system: ActorSystem, name: str = "probe", bounds: Any = None) -> None:
        self.mails: list[M] = []
        props: Props[M] = (
            Props(lambda: _Recorder(self.mails)) if bounds is None else Props(lambda: _Recorder(self.mails), bounds)
        )
        self.ref: Ref[M] = system.spawn(props, name)

    def take(self) -> list[M]:
        """Give what came since the last take, and forget it."""
        taken = list(self.mails)
        self.mails.clear()
        return taken

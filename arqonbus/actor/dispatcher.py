"""Dispatcher: decides which cell has its turn, and when the loop has.

Cells that have mail stand in two queues, first come first served in each, and get one turn each; so a busy actor waits
for all others of its queue between two turns of its own. Cells with user mail go before those with control mail only,
but not always. The dispatcher runs from one ``call_soon`` and gives the loop a chance to read and write after SLICE_S.
It is the kernel's only door to a loop; a loop is anything with the four methods of Loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from arqonbus.actor.actor import Timer

__all__ = ["Dispatcher", "Loop", "Turn"]

T = TypeVar("T")

SLICE_S = 0.004  # run of turns before the loop may poll: a latency bound; polls cost about 2 us, so it is never dear
OWED_LOOKS = 4  # of so many looks at the queues, one is for cells with control mail only, whatever else waits
TURNS_A_LOOK = 16  # turns between two looks at the clock (50 ns each)


class Turn(Protocol):
    """Something that runs one turn: a cell."""

    def run(self) -> None:
        """Run it."""


class Loop(Protocol):
    """What the kernel needs of a loop; asyncio's and uvloop's have it, so has the manual one of the testing module."""

    def call_soon(self, callback: Callable[[], Any], /) -> Any:
        """Run it in the next round."""

    def call_later(self, delay: float, callback: Callable[[], Any], /) -> Timer:
        """Run it after ``delay`` seconds."""

    def time(self) -> float:
        """Monotonic seconds."""

    def create_task(self, coro: Coroutine[Any, Any, Any], /) -> Any:
        """Run a coroutine to its end."""


class Dispatcher:
    """Runs turns on one loop. One per actor system; not thread-safe, as the loop is not."""

    __slots__ = ("_later", "_loop", "_ready", "_scheduled", "_tasks", "lines", "n_turns", "turn_at")

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._ready: deque[Turn] = deque()
        self._later: deque[Turn] = deque()  # those with control mail only
        self.lines: tuple[deque[Turn], deque[Turn]] = (self._ready, self._later)
        """Where a cell may be put without ``enqueue``, and ``enqueue_later``, while another one stands there."""
        self._scheduled = False
        self._tasks: set[Any] = set()  # keeps piped work alive: a loop holds its tasks only weakly
        self.n_turns = 0
        self.turn_at = loop.time()  # the loop's time at the last look: at most TURNS_A_LOOK turns old during a turn

    def enqueue(self, cell: Turn) -> None:
        """Give ``cell`` a turn after those that wait already. The caller sees to it that it stands there once."""
        self._ready.append(cell)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._run)

    def enqueue_later(self, cell: Turn) -> None:
        """Give ``cell``, which has control mail only, a turn after those that have user mail.

        What comes in goes before what goes out: a receiver that waits meanwhile gets more with one turn. With 1,000
        members of a channel that is two thirds of the cost of a delivery. One look in OWED_LOOKS is theirs in any case.
        """
        self._later.append(cell)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        ready, later = self._ready, self._later
        n_looks = 0
        self.turn_at = self._loop.time()
        ends_at = self.turn_at + SLICE_S
        try:
            while ready or later:
                n_looks += 1
                queue = ready if ready and (n_looks % OWED_LOOKS or not later) else later
                n = min(len(queue), TURNS_A_LOOK)
                self.n_turns += n
                for _ in range(n):
                    queue.popleft().run()
                self.turn_at = self._loop.time()
                if self.turn_at >= ends_at:
                    break
        finally:  # a turn raises nothing but the likes of KeyboardInterrupt; the others go on even then, to end well
            self._scheduled = bool(ready or later)
            if self._scheduled:
                self._loop.call_soon(self._run)

    def defer(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` in the next round of the loop."""
        self._loop.call_soon(callback)

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        """Run ``callback`` in ``delay_s`` seconds unless cancelled."""
        return self._loop.call_later(delay_s, callback)

    def now(self) -> float:
        """Monotonic seconds of the loop."""
        return self._loop.time()

    def run_async(self, work: Awaitable[T], home: Callable[[T | None, Exception | None], None]) -> None:
        """Run ``work`` as a task; call ``home`` once, with its result or its error.

        Work that is cancelled, be it before it began, brings TimeoutError.
        """
        errand = _Errand(work, home)
        task = self._loop.create_task(errand.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(errand.ended)

    def cancel_async(self) -> None:
        """Cancel all piped work that still runs."""
        for task in list(self._tasks):
            task.cancel()

    @property
    def n_ready(self) -> int:
        """Cells that wait for their turn."""
        return len(self._ready) + len(self._later)


class _Errand:
    """Piped work on its way. It comes home exactly once, whatever happens to it."""

    __slots__ = ("_home", "_is_home", "_work")

    def __init__(self, work: Awaitable[Any], home: Callable[[Any, Exception | None], None]) -> None:
        self._work = work
        self._home = home
        self._is_home = False

    async def run(self) -> None:
        try:
            value = await self._work
        except Exception as error:  # whatever it is, it belongs to the actor that piped it
            self._arrive(None, error)
        else:
            self._arrive(value, None)

    def ended(self, task: object) -> None:
        """Arrive for work that was cancelled: a task that is cancelled before it began runs none of its code."""
        if not self._is_home:
            if isinstance(self._work, Coroutine):
                self._work.close()
            self._arrive(None, TimeoutError("cancelled"))

    def _arrive(self, value: Any, error: Exception | None) -> None:
        self._is_home = True
        self._home(value, error)

"""Coordinator: starts the processes of a run, has them begin at the same moment, and adds up what they counted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Iterable
from contextlib import AsyncExitStack
from time import monotonic_ns
from typing import Any, Final

import msgspec

from arqonbus.cli.bench.outcome import Outcome, added
from arqonbus.cli.bench.plan import Plan, parts
from arqonbus.cli.bench.worker import Answer, Order

__all__ = ["WorkerFailed", "run_plan"]

LEAD_S: Final = 0.2
"""Between the order to start and the start: until then everybody has read it."""

END_S: Final = 5.0
"""For a process to close its connections."""

LONGEST_LINE: Final = 16 * 1024 * 1024
"""Bytes of one answer; the ends of 100,000 channels are 2 MB."""


class WorkerFailed(Exception):
    """A process of the run could not go on.

    Args:
        message: why, as it said
        code: of the error of the SDK; empty: it ended without a word
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class _Worker:
    """One process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def tell(self, order: Order) -> Answer:
        """Say something and wait for the answer. Raises WorkerFailed."""
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101 - both are pipes
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise WorkerFailed("a process of the run ended without a word", "")
        answer = msgspec.json.decode(line, type=Answer)
        if answer.error:
            raise WorkerFailed(answer.error, answer.code)
        return answer

    async def end(self, kind: type[BaseException] | None, *_: object) -> None:
        """Have it end, and see to it that it does: at once where the run has failed."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        self._process.stdin.close()
        try:
            async with asyncio.timeout(END_S if kind is None else 0):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def run_plan(plan: Plan) -> Outcome:
    """Do a run. Takes the warm-up, the duration, and what starting and waiting for the last messages takes.

    Raises:
        WorkerFailed: a process could not connect, or died
    """
    async with AsyncExitStack() as stack:
        workers = [await _start(stack) for _ in parts(plan)]
        shares = list(zip(workers, parts(plan), strict=True))
        await _all(worker.tell(Order(plan=plan, part=part)) for worker, part in shares)
        start_ns = monotonic_ns() + round(LEAD_S * 1e9)
        sent = await _all(worker.tell(Order(start_ns=start_ns)) for worker in workers)
        ends = {address: seq for answer in sent for address, seq in (answer.ends or {}).items()}
        answers = await _all(worker.tell(Order(ends=ends)) for worker in workers)
        outcome = added(answer.outcome for answer in answers if answer.outcome is not None)
    if plan.shape == "requests":
        return outcome
    # A channel of the run begins with 1, so its end is how many the bus has put in order.
    return msgspec.structs.replace(outcome, refused=outcome.refused + outcome.sent - sum(ends.values()))


async def _all(tellings: Iterable[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    return list(await asyncio.gather(*tellings))


async def _start(stack: AsyncExitStack) -> _Worker:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "arqonbus.cli.bench.worker")
    # In a session of its own: Ctrl-C is for us, who then end its stdin.
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, limit=LONGEST_LINE, start_new_session=True
    )
    worker = _Worker(process)
    stack.push_async_exit(worker.end)
    return worker

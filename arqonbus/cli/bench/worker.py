"""Worker: one process of a run, started by `coordinator`. JSON lines on stdin and stdout, in this order:

    in   {"plan", "part"}      out  {"ready"}
    in   {"start_ns"}          out  {"ends"}
    in   {"ends"}              out  {"outcome"}

An error is {"error", "code"} in the place of an answer. The end of stdin is the end of the process.
"""

from __future__ import annotations

import asyncio
import gc
import selectors
import sys
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from arqonbus.cli.bench.crew import Crew
from arqonbus.cli.bench.outcome import Outcome
from arqonbus.cli.bench.plan import Part, Plan
from arqonbus.client import ClientError

__all__ = ["Answer", "Order", "main"]

T = TypeVar("T")

MOST_SOCKETS: Final = 900
"""select() cannot watch files numbered 1024 and above."""


class Order(Struct, omit_defaults=True):
    """What a worker is told; one field at a time, in order."""

    plan: Plan | None = None
    part: Part | None = None
    start_ns: int | None = None
    ends: dict[str, int] | None = None


class Answer(Struct, omit_defaults=True):
    """What it answers."""

    ready: bool = False
    ends: dict[str, int] | None = None
    outcome: Outcome | None = None
    error: str = ""
    code: str = ""


def main() -> int:
    """Work through one run. Gives the exit code."""
    lines = iter(sys.stdin.buffer.readline, b"")
    first = _order(lines.__next__)
    if first is None or first.plan is None or first.part is None:
        return 1
    with asyncio.Runner(loop_factory=_loop_for(len(first.part.readers))) as runner:
        return runner.run(_work(first.plan, first.part, lines.__next__))


async def _work(plan: Plan, part: Part, line: Callable[[], bytes]) -> int:
    async def next_order() -> Order | None:
        return await asyncio.to_thread(_order, line)

    try:
        async with Crew(plan, part) as crew:
            await crew.prepare()
            gc.collect()
            gc.freeze()  # what stands now stays: collections are not to look at it while it is measured
            _say(Answer(ready=True))
            order = await next_order()
            if order is None or order.start_ns is None:
                return 1
            _say(Answer(ends=await crew.send(order.start_ns)))
            order = await next_order()
            if order is None or order.ends is None:
                return 1
            _say(Answer(outcome=await crew.finish(order.ends)))
    except ClientError as error:
        _say(Answer(error=str(error), code=error.code))
        return 1
    return 0


def _order(line: Callable[[], bytes]) -> Order | None:
    try:
        return msgspec.json.decode(line(), type=Order)
    except StopIteration:
        return None


def _say(answer: Answer) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


def _loop_for(n_clients: int) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Choose the event loop: that of select() where it can be had, since its timers are exact to 0.1 ms.

    epoll, and uvloop with it, counts in whole milliseconds: at a low rate each message would be sent that late.
    """
    if n_clients > MOST_SOCKETS:
        return None
    return lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())


if __name__ == "__main__":
    sys.exit(main())

"""Running: from a coroutine to an exit code. Signals, a reader that goes away, errors of the SDK."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from argparse import Namespace
from collections.abc import Callable, Coroutine
from typing import Any

from arqonbus.cli.kit.connection import url_of
from arqonbus.cli.kit.verdicts import failure_of
from arqonbus.client.errors import ClientError

__all__ = ["race", "run_async"]


def run_async(
    work: Callable[[Namespace], Coroutine[Any, Any, int]],
    options: Namespace,
    *,
    on_interrupt: Callable[[], int] | None = None,
) -> int:
    """Run the work of a command and give its exit code.

    SIGINT and SIGTERM cancel the work, so that connections are closed in order.

    Args:
        work: the command
        options: of the command line; goes to `work`
        on_interrupt: of a command without a goal of its own, which Ctrl-C ends as it should: says good-bye and gives
            the exit code; None: the command was to do something that is not done, exit code 130

    Raises:
        Failure: what the SDK raised
        KeyboardInterrupt: a signal came, and there is no `on_interrupt`
        BrokenPipeError: the reader of stdout has gone
    """
    url = url_of(options)
    try:
        with asyncio.Runner() as runner:
            return runner.run(_watched(work(options)))
    except KeyboardInterrupt:
        if on_interrupt is None:
            raise
        return on_interrupt()
    except ClientError as error:
        raise failure_of(error, url) from error


async def race(*works: Coroutine[Any, Any, object]) -> None:
    """Run until the first of them ends, then cancel the others. Raises what the first one raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if task in done and not task.cancelled():
            task.result()


async def _watched(work: Coroutine[Any, Any, int]) -> int:
    """Do the work; end it when a signal comes, or when nobody reads stdout any more."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - this is a coroutine that a task runs
    is_unread = False

    def let_go() -> None:
        nonlocal is_unread
        is_unread = True
        loop.remove_reader(pipe)
        task.cancel()

    pipe = _stdout_pipe()
    if pipe >= 0:
        # A pipe to write to becomes "readable" only by its other end closing.
        loop.add_reader(pipe, let_go)
    if sys.platform != "win32":
        loop.add_signal_handler(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
    try:
        return await work
    except asyncio.CancelledError:
        if is_unread:
            raise BrokenPipeError from None
        raise
    finally:
        if pipe >= 0:
            loop.remove_reader(pipe)


def _stdout_pipe() -> int:
    """Give the number of stdout if it is a pipe, else -1."""
    try:
        number = sys.stdout.fileno()
        return number if stat.S_ISFIFO(os.fstat(number).st_mode) else -1
    except (OSError, ValueError):
        return -1

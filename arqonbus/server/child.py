"""Child: a process that a supervisor forks, over all its lives. No loop, no thread."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable

from arqonbus.server.restarts import Restarts

__all__ = ["CRASHED", "Child"]

CRASHED = 1  # exit code of one that raised


class Child:
    """One of them.

    Args:
        number: from 1.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.restarts = Restarts()
        self.pid = 0  # 0: it does not run
        self.ready = -1  # read end of its pipe; -1: closed
        self.is_ready = False
        self.started_at = 0.0
        self.start_at = 0.0  # when it is to be started, where it does not run
        self.kill_at = 0.0  # when it is killed, once it was told to end; 0: it was not told

    def start(self, be: Callable[[int], int], now: float) -> None:
        """Fork.

        Args:
            be: what the new process does; takes the write end of the pipe, gives the exit code.
            now: monotonic seconds.
        """
        ends = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(ends[0])
            _live(be, ends[1])
        os.close(ends[1])
        self.pid, self.ready, self.started_at, self.is_ready = pid, ends[0], now, False

    def listen(self) -> None:
        """Read the pipe, which has something, or has ended."""
        self.is_ready = bool(os.read(self.ready, 1))
        self.close_pipe()

    def close_pipe(self) -> None:
        """Listen no more. Idempotent."""
        if self.ready >= 0:
            os.close(self.ready)
            self.ready = -1

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def reap(self) -> int | None:
        """Give the exit code, negative for a signal, if it has ended since it was started; once."""
        if not self.pid:
            return None
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        self.pid, self.is_ready = 0, False
        self.close_pipe()
        return os.waitstatus_to_exitcode(status)


def _live(be: Callable[[int], int], ready: int) -> None:
    """Be the new process. Never returns: what stands above on the stack is the supervisor's."""
    code = CRASHED
    try:
        code = be(ready)
    except BaseException:  # noqa: BLE001 - the end of a process; the supervisor tells of it, too
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)

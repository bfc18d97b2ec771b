"""Calls: commands and scripts on a wire that may not be there; and reads, which take their turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from arqonbus.errors import StorageError
from arqonbus.storage.redis_scripts import Script
from arqonbus.storage.redis_wire import Home, Wire, WireLost, code_of

__all__ = ["Answer", "Args", "Reads", "call", "ignore", "run"]

Args: TypeAlias = tuple[str | bytes | int, ...]

MOST_READS = 64  # at once, the others wait: after an outage all channels want to read, and appends go beside them


def call(wire: Wire | None, home: Home, args: Args) -> None:
    """Call a command; without a wire the answer is WireLost at once."""
    if wire is None:
        home(WireLost("not connected", was_sent=False))
    else:
        wire.call(home, *args)


def run(wire: Wire | None, home: Home, script: Script, args: Args) -> None:
    """Call a script; one that Redis forgot, which proves that it was not run, is taught again."""
    wanted: Args = ("EVALSHA", script.sha, script.n_keys, *args)

    def answered(answer: Any) -> None:
        if code_of(answer) == "NOSCRIPT":
            call(wire, ignore, ("SCRIPT", "LOAD", script.text))
            call(wire, home, wanted)
        else:
            home(answer)

    call(wire, answered, wanted)


def ignore(answer: Any) -> None:
    """Take an answer that only matters by having come."""


class Answer:
    """An answer that is awaited: StorageError if there is none, or an error."""

    def __init__(self) -> None:
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def take(self, answer: Any) -> None:
        """Be the ``home`` of a call."""
        if self.future.done():
            return
        if isinstance(answer, StorageError):
            self.future.set_exception(answer)
        else:
            self.future.set_result(answer)


class Reads:
    """Scripts that read, MOST_READS at once, first come first served.

    Args:
        wire: gives the wire of now.
    """

    def __init__(self, wire: Callable[[], Wire | None]) -> None:
        self._wire = wire
        self._waiting: deque[tuple[Home, Script, Args]] = deque()
        self._n_running = 0

    def __len__(self) -> int:
        """Count those that wait or run."""
        return len(self._waiting) + self._n_running

    def run(self, home: Home, script: Script, args: Args) -> None:
        """Run a script in its turn."""
        if self._n_running >= MOST_READS:
            self._waiting.append((home, script, args))
        else:
            self._run(home, script, args)

    def refuse(self, reason: str) -> None:
        """Tell all who wait that there is no wire."""
        waiting, self._waiting = self._waiting, deque()
        for home, _, _ in waiting:
            home(WireLost(reason, was_sent=False))

    def _run(self, home: Home, script: Script, args: Args) -> None:
        self._n_running += 1

        def answered(answer: Any) -> None:
            self._n_running -= 1
            home(answer)
            if self._waiting and self._n_running < MOST_READS:
                self._run(*self._waiting.popleft())

        run(self._wire(), answered, script, args)

"""Applications on the Python SDK, as scenarios see them: each behind a link that can be taken away and healed."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Self

from arqonbus.client import Ack, Bus, Gap, Message, StateChange, connect
from arqonbus.testing.chaos import ChaosProxy
from tests.specs.client import PATIENCE_S

POLL_S = 0.02


class App:
    """One application: a bus behind a proxy, and notes of all that it got."""

    def __init__(self, port: int, **options: Any) -> None:
        self._proxy = ChaosProxy("127.0.0.1", port)
        self._options = options
        self._loops: dict[str, list[asyncio.Task[None]]] = defaultdict(list)
        self._tasks: list[asyncio.Task[Any]] = []
        self.bus: Bus
        self.client: str | None = None  # as it was at first
        self.read: dict[str, list[Any]] = defaultdict(list)  # payloads, by address
        self.gaps: list[Gap] = []
        self.states: list[StateChange] = []
        self.errors: list[Exception] = []
        self.acks: list[asyncio.Task[Ack | None]] = []
        self.present: dict[str, Any] = {}  # handles of presence, by address

    async def __aenter__(self) -> Self:
        await self._proxy.__aenter__()
        told = {"on_state": self.states.append, "on_error": self.errors.append}
        self.bus = connect(self._proxy.url, proxy=None, **told, **self._options)
        try:
            await self.bus.open()
        except BaseException:
            await self._proxy.__aexit__(None, None, None)
            raise
        self.client = self.bus.client
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.bus.close(timeout_s=0)
        everything = [*self._tasks, *self.acks, *(task for loops in self._loops.values() for task in loops)]
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
        await self._proxy.__aexit__(None, None, None)

    # --- what it does -----------------------------------------------------------------------------------------------

    async def start_reading(self, address: str, **options: Any) -> None:
        """Read an address in the background, through a loop of handlers."""
        handle = await self.bus.subscribe(address, on_gap=self.gaps.append, **options).open()

        async def note(message: Message[Any]) -> None:
            self.read[address].append(message.data)

        async def run() -> None:
            try:
                await handle.run(note)
            finally:
                handle.close()

        self._loops[address].append(asyncio.create_task(run()))

    async def stop_a_loop(self, address: str) -> None:
        """End the loop over an address that began first."""
        task = self._loops[address].pop(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def in_background(self, work: Any) -> None:
        """Run a coroutine as long as the application lives."""
        self._tasks.append(asyncio.create_task(work))

    # --- its link -----------------------------------------------------------------------------------------------------

    async def take_link(self) -> None:
        """Cut the connection, and let no other one come to be."""
        self._proxy.heal()
        self._proxy.is_refusing = True
        self._proxy.cut()
        await self.until(lambda: self.bus.state == "reconnecting", "the application noticed that its link is gone")

    def heal_link(self) -> None:
        """Let connections be."""
        self._proxy.heal()

    def silence_server(self) -> None:
        """Let nothing of the server reach the application."""
        self._proxy.is_deaf = True

    # --- what it saw --------------------------------------------------------------------------------------------------

    async def has_read(self, address: str, payloads: list[Any]) -> None:
        """Wait until it has read so many, then compare."""
        await self.until(lambda: len(self.read[address]) >= len(payloads), f"{len(payloads)} events of {address}")
        await asyncio.sleep(POLL_S)
        assert self.read[address] == payloads, f"expected {payloads}, read {self.read[address]}"

    async def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait for something to come about."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not is_so():
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            seen = json.dumps(dict(self.read), default=str)
            raise AssertionError(f"waited for {what}; state {self.bus.state}, read {seen}, {self.errors}") from None

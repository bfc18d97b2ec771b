"""Caller: from a call of the user to its answer, in the order of the calls. Between the bus and the core.

While connected, a call waits for room in the outbox; while away, it is refused when there is none (R21).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TypeAlias

from msgspec import Raw

from arqonbus.client.calls import Answer
from arqonbus.client.codec import Outgoing, PrivateIn, write
from arqonbus.client.connection import Connection
from arqonbus.client.core import Core
from arqonbus.client.errors import ClientError, Expired
from arqonbus.client.sending import Terms

__all__ = ["Caller"]

_Future: TypeAlias = asyncio.Future[Raw | PrivateIn]


class Caller:
    """Sends for one bus.

    Args:
        core: of the bus
        connection: of the bus
        room_timeout_s: that a call waits for room in the outbox
    """

    def __init__(self, core: Core, connection: Connection, room_timeout_s: float) -> None:
        self._core = core
        self._connection = connection
        self._room_timeout_s = room_timeout_s
        self._queue: deque[asyncio.Event] = deque()  # of those that wait for room, in the order in which they came

    async def tell(self, envelope: Outgoing, terms: Terms) -> None:
        """Put a message into the outbox; nobody waits for an answer. Raises as `Core.send`, and Expired."""
        text = write(envelope)
        await self._wait_for_room(len(text))
        self._core.send(envelope, text, terms, self._connection.now)
        self._connection.touch()

    async def ask(self, envelope: Outgoing, terms: Terms) -> Raw | PrivateIn:
        """Send a message and wait for what it comes to.

        Raises:
            ClientError: what it comes to, or that it was not taken; see `Core.send`
        """
        text = write(envelope)
        await self._wait_for_room(len(text))
        answer: _Future = asyncio.get_running_loop().create_future()
        self._core.send(envelope, text, terms, self._connection.now, lambda outcome, now: _settle(answer, outcome))
        self._connection.touch()
        try:
            return await answer
        finally:
            if answer.cancelled():  # the caller gave up: what was not sent is not to be sent
                self._core.sending.withdraw(envelope.id)
                self._connection.touch()

    def room(self) -> None:
        """Let the next one look whether there is room now."""
        if self._queue:
            self._queue[0].set()

    async def _wait_for_room(self, size: int) -> None:
        if not self._queue and self._has_room(size):
            return
        turn = asyncio.Event()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(self._room_timeout_s):
                while self._queue[0] is not turn or not self._has_room(size):
                    turn.clear()
                    await turn.wait()
        except TimeoutError:
            raise Expired("the outbox had no room in time; the message was not sent") from None
        finally:
            self._queue.remove(turn)
            self.room()

    def _has_room(self, size: int) -> bool:
        return not self._core.link.is_up or self._core.sending.fits(size)


def _settle(answer: _Future, outcome: Answer) -> None:
    if answer.done():
        return
    if isinstance(outcome, ClientError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)

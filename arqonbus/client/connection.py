"""Connection: the driver. Dials, reads, writes and sets one timer; does what the core says and decides nothing itself.

core ─Dial─▶ token, socket ─opened─▶ core        reader ─received─▶ core        core ─next_text─▶ writer
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeAlias

from arqonbus.client.core import Core
from arqonbus.client.socket import Dialler, DialOptions, Socket, SocketClosed
from arqonbus.client.state import Dial, HangUp, TokenReason
from arqonbus.protocol import codes

__all__ = ["Clock", "Connection", "Timer", "TokenFunction"]

TokenFunction: TypeAlias = Callable[[TokenReason], str | None | Awaitable[str | None]]
"""Gives the token for one dial; the argument says why it is asked. Raise `Unauthorized` to close the bus."""


class Timer(Protocol):
    """Something that happens later, unless it is cancelled."""

    def cancel(self) -> None:
        """Let it not happen."""


class Clock(Protocol):
    """Monotonic seconds and timers: an event loop, or `arqonbus.actor.testing.FakeClock`."""

    def time(self) -> float:
        """Give the time now."""

    def call_later(self, delay: float, callback: Callable[[], Any], /) -> Timer:
        """Call back after so many seconds."""


class Connection:
    """Drives one core over one socket after the other. Owned by the bus.

    Args:
        core: decides
        url: of the server
        token: text, function or None
        dialler: opens sockets
        options: for it
        clock: None: the running loop
    """

    def __init__(
        self,
        core: Core,
        url: str,
        token: str | TokenFunction | None,
        dialler: Dialler,
        options: DialOptions,
        clock: Clock | None = None,
    ) -> None:
        self._core = core
        self._url = url
        self._token = token
        self._dialler = dialler
        self._options = options
        self._given_clock = clock
        self._sockets: dict[int, Socket] = {}  # by number of the dial
        self._dials: dict[int, asyncio.Task[None]] = {}  # each of them serves its socket afterwards
        self._tasks: set[asyncio.Task[Any]] = set()  # all that run; nobody else keeps them
        self._may_write = asyncio.Event()
        self._may_read = asyncio.Event()
        self._timer: Timer | None = None
        self._timer_at: float | None = None

    @property
    def _clock(self) -> Clock:
        # Not before there is a loop: a bus may be made outside of one.
        if self._given_clock is None:
            self._given_clock = asyncio.get_running_loop()
        return self._given_clock

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.time()

    def touch(self) -> None:
        """Do what the core wants; to be called, in the loop, after whatever may have changed it."""
        for effect in self._core.take_effects():
            if isinstance(effect, Dial):
                self._dials[effect.number] = self._spawn(self._dial(effect))
            else:
                self._hang_up(effect)
        self._may_write.set()
        self._set_timer()

    def read_on(self) -> None:
        """Read the socket again; the core has room."""
        self._may_read.set()

    async def finish(self) -> None:
        """Wait until everything of this connection is over. The core has been closed."""
        if self._timer is not None:
            self._timer.cancel()
        own = asyncio.current_task()
        while left := [task for task in self._tasks if task is not own]:
            await asyncio.wait(left)

    # --- dialling ---------------------------------------------------------------------------------------------------

    async def _dial(self, effect: Dial) -> None:
        number = effect.number
        try:
            token = await self._get_token(effect.reason)
            socket = await self._dialler(self._url, self._options)
        except Exception as error:  # noqa: BLE001 - whatever a dialler or a token function raises: the dial has failed
            self._core.dial_failed(number, error, self.now)
            self.touch()
            return
        finally:
            self._dials.pop(number, None)
        self._sockets[number] = socket
        self._core.opened(number, token, self.now)
        self.touch()
        await self._serve(number, socket)

    async def _get_token(self, reason: TokenReason) -> str | None:
        if self._token is None or isinstance(self._token, str):
            return self._token
        token = self._token(reason)
        return await token if inspect.isawaitable(token) else token

    def _hang_up(self, effect: HangUp) -> None:
        dial, socket = self._dials.pop(effect.number, None), self._sockets.get(effect.number)
        if dial is not None:
            dial.cancel()
        if socket is None:
            return
        if effect.code is None:
            socket.abort()
        else:
            self._spawn(socket.close(effect.code))

    # --- a socket ---------------------------------------------------------------------------------------------------

    async def _serve(self, number: int, socket: Socket) -> None:
        writer = self._spawn(self._write(number, socket))
        try:
            code, reason = await self._read(number, socket)
        finally:
            writer.cancel()
            del self._sockets[number]
        self._core.ended(number, code, reason, self.now)
        self.touch()

    async def _read(self, number: int, socket: Socket) -> tuple[int, str]:
        """Read until the end, and say how it ended."""
        core, clock = self._core, self._clock
        while True:
            while core.is_paused:
                self._may_read.clear()
                await self._may_read.wait()
            try:
                text = await socket.recv()
            except SocketClosed as end:
                return end.code, end.reason
            except OSError as error:
                return codes.NO_CLOSE_FRAME, str(error)
            core.received(number, text, clock.time())
            self.touch()

    async def _write(self, number: int, socket: Socket) -> None:
        core = self._core
        while number == core.link.number:
            text = core.next_text(self.now)
            if text is None:
                self._may_write.clear()
                await self._may_write.wait()
                continue
            try:
                await socket.send(text)
            except (SocketClosed, OSError):
                return  # the reader says how it ended

    # --- tasks and time ---------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _set_timer(self) -> None:
        at = self._core.next_at
        if at == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = None if at is None else self._clock.call_later(max(0.0, at - self.now), self._tick)

    def _tick(self) -> None:
        self._timer = self._timer_at = None
        self._core.tick(self.now)
        self.touch()

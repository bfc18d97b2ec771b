"""Bus: what a program holds. Opens and ends the connection, and gives handles.

async with connect("ws://127.0.0.1:9100/") as bus:
    async with bus.subscribe("science:explore") as channel:
        await bus.publish("science:explore", {"n": 1})
        message = await channel.get()
"""

from __future__ import annotations

import asyncio
import random as chance
import secrets
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, Unpack

from msgspec import Struct

from arqonbus.client.caller import Caller
from arqonbus.client.connection import Connection
from arqonbus.client.core import Core, Hooks, Settings, Stats
from arqonbus.client.errors import CannotConnect, ClientError
from arqonbus.client.handles import Handles
from arqonbus.client.messaging import profile_args, will_args
from arqonbus.client.options import ConnectOptions, check_names, picked
from arqonbus.client.reports import Reports
from arqonbus.client.socket import DialOptions, dial
from arqonbus.client.state import State, StateChange
from arqonbus.client.states import States
from arqonbus.client.tracing import NO_TRACING, OpenTelemetry, Tracing

__all__ = ["Bus", "Drained", "connect"]

DRAIN_S: Final = 30.0


class Drained(Struct, frozen=True):
    """What a drain had to give up. Both 0: all is done."""

    unsent: int = 0  # messages that were not sent or not answered
    unread: int = 0  # messages that no reader has taken


def connect(url: str, **options: Unpack[ConnectOptions]) -> Bus:
    """Make a bus for a server. It opens with `async with`, or with `open`.

    Args:
        url: such as `ws://127.0.0.1:9100/`
        **options: see ConnectOptions
    """
    return Bus(url, **options)


class Bus(Handles):
    """One client of a server, over as many connections as it takes. Made by `connect`; belongs to one event loop.

    State: idle, connecting, connected, reconnecting, draining, closed; see docs/sdk-spec.md.
    """

    def __init__(self, url: str, **options: Unpack[ConnectOptions]) -> None:
        check_names("connect", options, ConnectOptions)
        super().__init__()
        token = options.get("token")
        settings = picked(Settings, options, has_token_function=callable(token))
        self.url = url
        self._timeout_s = options.get("timeout_s", 10.0)
        self._ack_timeout_s = settings.outbox_ttl_s
        self._open_timeout_s = options.get("open_timeout_s", 10.0)
        self._close_timeout_s = options.get("close_timeout_s", 5.0)
        self._tracing = _tracing(options.get("tracing", False))
        self._reports = Reports(options.get("on_error"), options.get("on_state"), options.get("on_system"))
        self._states: weakref.WeakSet[States] = weakref.WeakSet()  # whoever lets go of one is told no more
        self._activity = asyncio.Event()  # something happened that a drain or an open may wait for
        hooks = Hooks(self._changed, self._reports.error, self._reports.system, self._room, self._read_on)
        self._core = Core(settings, options.get("random") or chance.SystemRandom(), secrets.token_urlsafe(9), hooks)
        profile, will = options.get("profile"), options.get("will")
        self._core.profile = None if profile is None else profile_args(profile)
        self._core.will = None if will is None else will_args(will)
        self._core.debug = options.get("debug") or None
        dialling = picked(DialOptions, options)
        dialler, clock = options.get("dialler") or dial, options.get("clock")
        self._connection = Connection(self._core, url, token, dialler, dialling, clock)
        self._caller = Caller(self._core, self._connection, settings.outbox_ttl_s)

    # --- life -------------------------------------------------------------------------------------------------------

    async def open(self) -> Self:
        """Connect, and wait for the first session; dials go on while it waits.

        Raises:
            CannotConnect: none within `open_timeout_s`; the bus is closed, the cause is that of the last dial
            Unauthorized: the server does not let these credentials in
        """
        self._core.link.start(self._connection.now)
        self._connection.touch()
        try:
            async with asyncio.timeout(self._open_timeout_s):
                await self._until(lambda: self._core.link.is_up or self._core.link.is_over)
        except TimeoutError:
            cause = self._core.link.error
            await self.close(timeout_s=0)
            why = "" if cause is None else f": {cause.message}"
            raise CannotConnect(f"no session at {self.url} within {self._open_timeout_s} s{why}") from cause
        if self._core.link.is_over:
            await self._connection.finish()
            raise self._core.link.error or self._core.closed_error()
        return self

    async def __aenter__(self) -> Self:
        try:
            return await self.open()
        except asyncio.CancelledError:
            await self.close(timeout_s=0)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close(timeout_s=None if error is None else 0)

    async def close(self, *, timeout_s: float | None = None) -> None:
        """Send what waits, for `timeout_s` at most (None: `close_timeout_s`) and if connected; then end.

        Handles end at once, calls that wait get BusClosed. Closing twice is fine.
        """
        limit_s = self._close_timeout_s if timeout_s is None else timeout_s
        if self._core.link.is_up and limit_s > 0:
            await self._until_or(limit_s, lambda: self._core.sending.is_flushed or not self._core.link.is_up)
        self._core.close(self._connection.now)
        for handle in list(self._open_handles):
            handle.close()
        self._connection.touch()
        await self._connection.finish()

    async def drain(self, *, timeout_s: float = DRAIN_S) -> Drained:
        """End in order: leave every channel, let readers take what they have, send what waits, then close.

        Waits for handlers of `run` and `serve`, for loops over handles to come to their end, and for what others have
        not taken yet.

        Args:
            timeout_s: then the rest is given up

        Returns:
            what was given up
        """
        self._core.drain(self._connection.now)
        self._connection.touch()
        await self._until_or(timeout_s, lambda: self._core.link.is_over or self._is_done())
        drained = Drained(self._core.sending.depth[0], sum(handle.waiting for handle in self._readers()))
        await self.close(timeout_s=0)
        return drained

    def _is_done(self) -> bool:
        is_read = all(handle.is_done for handle in self._readers())
        return is_read and not self._n_running and not self._core.sending.has_work

    async def _until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            self._activity.clear()
            await self._activity.wait()

    async def _until_or(self, timeout_s: float, is_so: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._until(is_so)
        except TimeoutError:
            return

    # --- facts ------------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """Where the bus is in its life."""
        return self._core.link.state

    @property
    def client(self) -> str | None:
        """The client id that the server gave; None before the first session."""
        welcome = self._core.link.welcome
        return None if welcome is None else welcome.client

    @property
    def user(self) -> str | None:
        """The user that the server knows this client as; None: anonymous."""
        welcome = self._core.link.welcome
        return None if welcome is None else welcome.user

    @property
    def error(self) -> ClientError | None:
        """What the bus ended with, or why the last dial failed."""
        return self._core.link.error

    def stats(self) -> Stats:
        """Count what came and went, and what waits."""
        return self._core.stats()

    def states(self) -> States:
        """Give the changes of state from now on, as an async iterator that ends behind `closed`."""
        states = States()
        self._states.add(states)
        return states

    # --- what the core says -----------------------------------------------------------------------------------------

    def _changed(self, change: StateChange) -> None:
        self._reports.state(change)
        for states in list(self._states):
            states.put(change)
        self._room()

    def _room(self) -> None:
        self._caller.room()
        self._stirred()

    def _stirred(self) -> None:
        self._activity.set()

    def _read_on(self) -> None:
        self._connection.read_on()


def _tracing(wanted: bool | Tracing) -> Tracing:
    if isinstance(wanted, bool):
        return OpenTelemetry() if wanted else NO_TRACING
    return wanted

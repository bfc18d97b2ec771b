"""Local: a whole bus inside of the test, without sockets and processes, on a clock that only the test moves.

    async with LocalBus() as local:
        async with local.connect() as bus, bus.subscribe("science:explore") as channel:
            await bus.publish("science:explore", 1)
            local.cut()                     # all connections, as a network does it
            await local.advance(1)          # a second passes: the bus comes back
            print((await channel.get()).data)

The actors are those of the server, the client is the SDK; only the sockets between them are two queues. Time stands
still between two `advance`: heartbeats, back-off, expiry and idleness happen when the test says so, in the order of
their time.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Final, Self, Unpack

from arqonbus.actor import Dispatcher, Ref
from arqonbus.actor.testing import FakeClock
from arqonbus.client import Bus as Client
from arqonbus.client import connect
from arqonbus.client.options import ConnectOptions
from arqonbus.client.socket import DialError, DialOptions, Socket, SocketClosed
from arqonbus.config import Settings
from arqonbus.errors import Refusal
from arqonbus.protocol import codes
from arqonbus.protocol.codec import decode
from arqonbus.routing.mail import DrainAll, Inbound, Invalid, Lost, SessionMail
from arqonbus.routing.socket import Hello
from arqonbus.server.assembly import Bus
from arqonbus.server.clock import WallClock

__all__ = ["LocalBus"]

URL: Final = "ws://local.test/"
EPOCH_NS: Final = 1_767_225_600_000_000_000  # 2026-01-01, what the clock of the bus shows at first
ROUNDS: Final = 60  # of the event loop until everything that can go on has gone on: more than any chain of tasks here
HEARTBEAT: Final = b'{"type":"system","event":"heartbeat","payload":{}}'


class _Loop:
    """The test's event loop, with time of its own."""

    def __init__(self, clock: FakeClock) -> None:
        self._loop = asyncio.get_running_loop()
        self.time = clock.time
        self.call_later = clock.call_later

    def call_soon(self, callback: Callable[[], Any]) -> object:
        """See the kernel's Loop."""
        return self._loop.call_soon(callback)

    def create_task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """See the kernel's Loop."""
        return self._loop.create_task(work)


class _Wire:
    """One connection, both of its ends: what a session takes for its socket, and what the SDK takes for its own."""

    def __init__(self, clock: FakeClock, heartbeat_s: float) -> None:
        self.session: Ref[SessionMail]
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self._to_client: deque[bytes | SocketClosed] = deque()
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._is_over = False
        self._said_at = clock.time()
        self.is_silent = False  # the network is half open: what the server says gets lost
        clock.call_later(heartbeat_s, self._beat)

    # --- the session's end ------------------------------------------------------------------------------------------

    def write(self, chunk: bytes, texts: Sequence[bytes]) -> bool:
        """See the session's Socket. It gets the texts, as the connection says that it is compressed."""
        self._said_at = self._clock.time()
        if not self._is_over and not self.is_silent:
            self._to_client.extend(texts)
            self._came.set()
        return True

    def buffered_bytes(self) -> int:
        """See the session's Socket."""
        return 0

    @property
    def is_open(self) -> bool:
        """See the session's Socket."""
        return not self._is_over

    def close(self, code: int, reason: str) -> None:
        """See the session's Socket."""
        self._end(SocketClosed(code, reason))

    def _beat(self) -> None:
        if self._is_over:
            return
        if self._clock.time() >= self._said_at + self._heartbeat_s:
            self.write(b"", (HEARTBEAT,))
        self._clock.call_later(self._said_at + self._heartbeat_s - self._clock.time(), self._beat)

    # --- the network ------------------------------------------------------------------------------------------------

    def cut(self, code: int = codes.NO_CLOSE_FRAME) -> None:
        """End the connection for both sides."""
        if not self._is_over:
            self._end(SocketClosed(code))
            self.session.signal(Lost(code, ""))

    def _end(self, how: SocketClosed) -> None:
        if not self._is_over:
            self._is_over = True
            self._to_client.append(how)
            self._came.set()
            self._room.set()

    # --- the SDK's end ----------------------------------------------------------------------------------------------

    async def send(self, text: bytes) -> None:
        """See the SDK's Socket; waits while the session has no room."""
        try:
            mail: Inbound | Invalid = Inbound(decode(text), len(text))
        except Refusal as refusal:
            mail = Invalid(refusal)
        while not self._is_over and not self.session.tell(mail, len(text)):
            self._room.clear()
            self.session.on_room(self._room.set)
            await self._room.wait()
        if self._is_over:
            raise SocketClosed(codes.NO_CLOSE_FRAME)

    async def recv(self) -> bytes:
        """See the SDK's Socket."""
        while not self._to_client:
            self._came.clear()
            await self._came.wait()
        found = self._to_client[0]
        if isinstance(found, SocketClosed):
            raise found
        self._to_client.popleft()
        return found

    def abort(self) -> None:
        """See both Sockets."""
        self.cut()


class _ClientEnd:
    """The SDK's Socket of a wire: its `close` waits, where that of the session does not."""

    def __init__(self, wire: _Wire) -> None:
        self.send = wire.send
        self.recv = wire.recv
        self.abort = wire.abort
        self._wire = wire

    async def close(self, code: int) -> None:
        """See Socket."""
        self._wire.cut(code)


class LocalBus:
    """A server and the way to it, in one event loop and in virtual time.

    Args:
        settings: of the server; those that concern sockets have no effect
        seed: of the delays of clients
    """

    def __init__(self, settings: Settings | None = None, *, seed: int = 0) -> None:
        self.settings = settings or Settings()
        self.clock = FakeClock()
        self.is_reachable = True  # False: dials fail
        self._start = self.clock.time()
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._wires: list[_Wire] = []
        self._clients: list[Client] = []
        self._bus: Bus

    # --- life -------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for client in self._clients:
            await client.close(timeout_s=0)
        await self.settle()

    def _open(self) -> None:
        wall = WallClock(lambda: EPOCH_NS + int((self.clock.time() - self._start) * 1e9))
        self._bus = Bus(self.settings, Dispatcher(_Loop(self.clock)), wall.timestamp)

    def connect(self, **options: Unpack[ConnectOptions]) -> Client:
        """Make a client; see `arqonbus.client.connect`. It is closed with this bus, if not before."""
        given: ConnectOptions = {"dialler": self.dial, "clock": self.clock, "random": self._random, **options}
        self._clients.append(connect(URL, **given))
        return self._clients[-1]

    async def dial(self, url: str, options: DialOptions) -> Socket:
        """Open a connection; a dialler for `arqonbus.client.connect`."""
        if not self.is_reachable:
            raise DialError("the test has taken the server away")
        wire = _Wire(self.clock, self.settings.server.heartbeat_s)
        wire.session = self._bus.open_session(wire, Hello("local", compressed=True))
        self._wires.append(wire)
        return _ClientEnd(wire)

    # --- time -------------------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Let everything that can go on now go on; no time passes."""
        for _ in range(ROUNDS):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Let time pass, from timer to timer; what each sets going is done before the next."""
        await self.settle()
        end = self.clock.time() + seconds
        while (at := self.clock.next_at) is not None and at <= end:
            self.clock.advance(max(0.0, at - self.clock.time()))
            await self.settle()
        self.clock.advance(end - self.clock.time())

    # --- trouble ----------------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """End every connection, without a close frame; both sides know at once."""
        for wire in self._wires:
            wire.cut()
        self._wires.clear()

    def silence(self) -> None:
        """Let nothing that the server says arrive any more on the connections that stand."""
        for wire in self._wires:
            wire.is_silent = True

    def drain(self, deadline_s: float = 10.0, spread_s: float = 5.0) -> None:
        """Have the server say that it goes, and close every connection within the spread."""
        self._bus.registry.signal(DrainAll(int(deadline_s * 1000), int(spread_s * 1000)))

    def restart(self) -> None:
        """End every connection and begin with a new server: nothing that was in memory is left."""
        self.cut()
        self._open()

"""Both ends for tests of the transport: a listener on a free port, and a client that sends the bytes it is told to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from arqonbus.transport import Bind, Handshake, Health, Limits, Listener, Timeouts
from tests.transport.sessions import RecordingSession, Sessions
from tests.transport.test_wire import frame

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: bus\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PATIENCE_S = 5.0  # for what should be at once; a test that waits that long has failed


class Server:
    """A listener with its sessions."""

    def __init__(self, listener: Listener, sessions: Sessions) -> None:
        self.listener = listener
        self.sessions = sessions

    @property
    def port(self) -> int:
        return self.listener.port

    async def session(self) -> RecordingSession:
        return await self.sessions.first()

    async def until(self, **counts: int) -> None:
        """Wait until the statistics say this."""

        def is_so() -> bool:
            found = self.listener.statistics()
            return all(getattr(found, name) == value for name, value in counts.items())

        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def serving(
    sessions: Sessions | None = None,
    *,
    limits: Limits | None = None,
    timeouts: Timeouts | None = None,
    compression: bool = False,
    **more,
) -> AsyncIterator[Server]:
    handshake = Handshake(Health(lambda: (True, ""), "1.2.3"), compression=compression)
    made = sessions or Sessions()
    more.setdefault("bind", Bind(port=0))
    listener = Listener(made, handshake, limits=limits, timeouts=timeouts or Timeouts(close_s=0.3), **more)
    await listener.start()
    try:
        yield Server(listener, made)
    finally:
        await listener.close()


class Client:
    """Speaks bytes. Reads only when asked to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def read(self, n: int) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readexactly(n)

    async def read_head(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def read_rest(self) -> bytes:
        """Read to the end of the stream; a reset is an end as well."""
        async with asyncio.timeout(PATIENCE_S):
            data = b""
            with contextlib.suppress(ConnectionError):
                while chunk := await self.reader.read(65536):
                    data += chunk
            return data

    async def frame(self) -> tuple[int, bytes]:
        """Read one frame of the server: first byte, payload."""
        first, size = await self.read(2)
        if size >= 126:
            size = int.from_bytes(await self.read(2 if size == 126 else 8))
        return first, await self.read(size)

    async def handshake(self, request: bytes = REQUEST) -> bytes:
        self.send(request)
        return await self.read_head()

    def event(self, payload: bytes = b"1") -> None:
        self.send(frame(1, b'{"type":"event","room":"r","channel":"c","payload":%s}' % payload))


@contextlib.asynccontextmanager
async def raw_client(port: int = 0, *, path: str = "", limit: int = 65536, **more) -> AsyncIterator[Client]:
    """Connect without a word."""
    if path:
        reader, writer = await asyncio.open_unix_connection(path, limit=limit)
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit, **more)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError, TimeoutError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def open_client(port: int = 0, **more) -> AsyncIterator[Client]:
    """Connect and shake hands."""
    async with raw_client(port, **more) as client:
        head = await client.handshake()
        assert head.startswith(b"HTTP/1.1 101 ")
        yield client


def close_code(payload: bytes) -> int:
    return int.from_bytes(payload[:2])

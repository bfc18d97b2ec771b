"""The two clients of the scenarios: one that keeps the rules of WebSocket, and one that can break each of them."""

import asyncio
import base64
import json
import os
import struct
from collections import defaultdict, deque
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

PATIENCE_S = 10.0
"""How long anything may take that should come at once: long enough for two busy cores."""
ABNORMAL = 1006
_OP_TEXT, _OP_CLOSE, _OP_PING, _OP_PONG = 1, 8, 9, 10


class Inbox:
    """Frames of one client, as they came and sorted by type."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.texts: list[str] = []
        self.close_code: int | None = None
        self._by_type: dict[str, deque[tuple[dict[str, Any], str]]] = defaultdict(deque)
        self._changed = asyncio.Event()

    def put(self, text: str) -> None:
        """A frame came. Heartbeats are kept among `frames`, but are nobody's answer."""
        frame = json.loads(text)
        self.frames.append(frame)
        self.texts.append(text)
        kind = frame["event"] if frame["type"] == "system" else frame["type"]
        self._by_type[kind].append((frame, text))
        self._changed.set()

    def close(self, code: int) -> None:
        """The connection ended."""
        self.close_code = code
        self._changed.set()

    async def take(self, kind: str, limit_s: float = PATIENCE_S) -> tuple[dict[str, Any], str]:
        """The next frame of a type, or for system frames of an event; with its text.

        Raises:
            AssertionError: none came in time, or the connection ended; says what came instead.
        """
        await self._until(lambda: bool(self._by_type[kind]) or self.close_code is not None, limit_s)
        queue = self._by_type[kind]
        assert queue, f"expected a frame of kind {kind}, close code {self.close_code}, came: {self.texts[-20:]}"
        return queue.popleft()

    async def first(self, limit_s: float = PATIENCE_S) -> None:
        """Wait for the first frame, whatever it is."""
        await self._until(lambda: bool(self.frames) or self.close_code is not None, limit_s)
        assert self.frames, f"no frame came, close code {self.close_code}"

    async def closed(self, limit_s: float = PATIENCE_S) -> int:
        """The close code, 1006 where the peer sent none."""
        await self._until(lambda: self.close_code is not None, limit_s)
        assert self.close_code is not None, f"still open after {limit_s} s, last frames: {self.texts[-5:]}"
        return self.close_code

    def waiting(self) -> list[str]:
        """Texts of messages that no step has taken: events, private messages, broadcasts."""
        return [text for kind in ("event", "private", "broadcast") for _, text in self._by_type[kind]]

    async def _until(self, condition: Any, limit_s: float) -> None:
        try:
            async with asyncio.timeout(limit_s):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return


class Client:
    """A connection of the websockets library whose frames are collected by a reader."""

    def __init__(self, connection: ClientConnection) -> None:
        self.inbox = Inbox()
        self.connection = connection
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start to read."""
        self.read()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection and end the reader."""
        if self._reader is None:
            self.connection.transport.abort()
        await self.connection.close()
        if self._reader is not None:
            await self._reader

    def read(self) -> None:
        """Collect frames from now on."""
        self._reader = asyncio.create_task(self._read())

    async def stop_reading(self) -> None:
        """Leave everything that comes in the socket, as a hung client does."""
        assert self._reader is not None
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        self._reader = None
        self.connection.transport.pause_reading()

    async def send(self, text: str) -> None:
        """Send one text frame."""
        await self.connection.send(text)

    async def _read(self) -> None:
        try:
            async for text in self.connection:
                assert isinstance(text, str), "the bus sent a binary message"
                self.inbox.put(text)
        except ConnectionClosed:
            pass
        self.inbox.close(self.connection.close_code or ABNORMAL)


class RawClient:
    """A socket that says what it is told to, byte by byte, and never answers a ping."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.inbox = Inbox()
        self.pings = 0
        self.pongs: list[bytes] = []
        self.status: int | None = None
        self._in, self._out = reader, writer
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Nothing is said yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop the connection without a close frame."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        self._out.transport.abort()
        await asyncio.gather(self._out.wait_closed(), return_exceptions=True)

    async def upgrade(self, host: str) -> None:
        """Do the handshake and collect frames from then on."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET / HTTP/1.1\r\nHost: {host}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "\r\n"]
        await self.send_bytes("\r\n".join(lines).encode())
        answer = await self._in.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), answer
        self._reader = asyncio.create_task(self._read())

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are; a peer that has gone already is no error, its verdict is in the inbox."""
        try:
            self._out.write(data)
            await self._out.drain()
        except ConnectionError:
            pass

    async def send(self, text: str) -> None:
        """Send one correct text frame."""
        await self.send_bytes(frame(_OP_TEXT, text.encode()))

    async def ping(self, payload: bytes) -> None:
        """Send a ping."""
        await self.send_bytes(frame(_OP_PING, payload))

    async def ended(self, limit_s: float) -> None:
        """Wait until the peer hangs up before any handshake; `status` then holds its HTTP status, if it sent one."""
        async with asyncio.timeout(limit_s):
            answer = await self._rest()
        if answer.startswith(b"HTTP/"):
            self.status = int(answer.split()[1])

    async def _rest(self) -> bytes:
        answer = b""
        try:
            while chunk := await self._in.read(65536):
                answer += chunk
        except ConnectionError:
            pass
        return answer

    async def _read(self) -> None:
        code = ABNORMAL
        try:
            while True:
                opcode, payload = await self._read_frame()
                if opcode == _OP_CLOSE:
                    code = int.from_bytes(payload[:2], "big") if payload else 1005
                elif opcode == _OP_TEXT:
                    self.inbox.put(payload.decode())
                elif opcode == _OP_PING:
                    self.pings += 1
                elif opcode == _OP_PONG:
                    self.pongs.append(payload)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.inbox.close(code)

    async def _read_frame(self) -> tuple[int, bytes]:
        first, length = await self._in.readexactly(2)
        if length == 126:
            length = int.from_bytes(await self._in.readexactly(2), "big")
        elif length == 127:
            length = int.from_bytes(await self._in.readexactly(8), "big")
        return first & 0x0F, await self._in.readexactly(length)


def frame(opcode: int, payload: bytes, *, fin: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    """One frame as a client sends it, or wrong in the way that is asked for. The mask is all zeros."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head = struct.pack("!BB", first, bit | len(payload))
    else:
        head = struct.pack("!BBH", first, bit | 126, len(payload))
    return head + (bytes(4) if masked else b"") + payload

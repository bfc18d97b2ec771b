"""Socket: a WebSocket client of the suite's own, RFC 6455 without extensions.

It can do what a good client never does: send any frame, read nothing, vanish. It shares no code with the server or with
the SDKs. What is not read here stays in the socket, so a slow reader is simply one who does not call `recv`.
"""

import asyncio
import base64
import contextlib
import os
import ssl as tls
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

__all__ = ["ABNORMAL", "BINARY", "CLOSE", "TEXT", "Closed", "HandshakeRefused", "Socket", "frame", "get"]

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
ABNORMAL: Final = 1006  # never on the wire: the connection ended without a close frame
NO_CODE: Final = 1005  # likewise: the close frame had none

_FINAL: Final = 0x80
_MASKED: Final = 0x80
_HEAD_BYTES: Final = 16 * 1024  # of an HTTP answer; what a server of this kind says is far shorter


class Closed(Exception):
    """The connection is over.

    Args:
        code: of the server's close frame, or ABNORMAL
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class HandshakeRefused(Exception):
    """The server answered the handshake with something else than a WebSocket."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status
        self.text = text


class Socket:
    """One connection. Made by `Socket.open`; belongs to one event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, subprotocol: str = "") -> None:
        self._in = reader
        self._out = writer
        self.subprotocol = subprotocol  # that the server chose; "": none
        self._code: int | None = None  # of the end

    @classmethod
    async def open(cls, url: str, headers: Mapping[str, str]) -> "Socket":
        """Connect and do the handshake.

        Args:
            url: ws or wss
            headers: of the handshake, beside those of WebSocket

        Raises:
            OSError: the server cannot be reached
            HandshakeRefused: it does not want to
        """
        reader, writer, host, path = await _connect(url)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        try:
            status, head = await _head(reader)
        except OSError:
            await _drop(writer)
            raise
        if status != 101:
            text = (await reader.read(_HEAD_BYTES)).decode("utf-8", "replace")
            await _drop(writer)
            raise HandshakeRefused(status, text or head)
        return cls(reader, writer, _header(head, "sec-websocket-protocol"))

    async def send(self, text: str) -> None:
        """Send one text frame. Raises Closed."""
        await self.send_bytes(frame(TEXT, text.encode()))

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are. Raises Closed."""
        try:
            self._out.write(data)
            await self._out.drain()
        except OSError as error:
            raise Closed(self._code or ABNORMAL) from error

    async def recv(self) -> str:
        """Read one text message; pings are answered, a close frame too. Raises Closed."""
        parts: list[bytes] = []
        while True:
            try:
                is_final, opcode, payload = await self._frame()
            except (asyncio.IncompleteReadError, OSError) as error:
                self._code = self._code or ABNORMAL
                raise Closed(self._code) from error
            if opcode == CLOSE:
                await self._closed(payload)
            elif opcode == PING:
                await self.send_bytes(frame(PONG, payload))
            elif opcode != PONG:
                parts.append(payload)
                if is_final:
                    return b"".join(parts).decode()

    async def close(self, code: int) -> None:
        """Say that it is over. `recv` tells when the server has agreed."""
        await self.send_bytes(frame(CLOSE, code.to_bytes(2, "big")))

    async def drop(self) -> None:
        """Vanish, without a word."""
        await _drop(self._out)

    async def _closed(self, payload: bytes) -> None:
        self._code = int.from_bytes(payload[:2], "big") if payload else NO_CODE
        with contextlib.suppress(Closed):  # the server may not wait for the answer
            await self.send_bytes(frame(CLOSE, payload[:2]))
        await self.drop()
        raise Closed(self._code)

    async def _frame(self) -> tuple[bool, int, bytes]:
        first, size = await self._in.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self._in.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self._in.readexactly(8), "big")
        return bool(first & _FINAL), first & 0x0F, await self._in.readexactly(size)


def frame(opcode: int, payload: bytes, *, is_final: bool = True) -> bytes:
    """Write one frame as clients do, masked."""
    size, first = len(payload), opcode | (_FINAL if is_final else 0)
    if size < 126:
        head = bytes((first, _MASKED | size))
    elif size < 1 << 16:
        head = bytes((first, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, _MASKED | 127)) + size.to_bytes(8, "big")
    mask = os.urandom(4)
    repeated = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ repeated).to_bytes(size, "big")


async def get(url: str, path: str) -> tuple[int, str]:
    """Ask for a page over plain HTTP at the place of a WebSocket. Gives status and body. Raises OSError."""
    reader, writer, host, _ = await _connect(url)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        status, _ = await _head(reader)
        return status, (await reader.read()).decode("utf-8", "replace")
    finally:
        await _drop(writer)


async def _drop(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _header(head: str, name: str) -> str:
    rows = [line.partition(":") for line in head.split("\r\n")]
    return next((value.strip() for key, _, value in rows if key.lower() == name), "")


async def _connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str, str]:
    parts = urlsplit(url)
    is_tls = parts.scheme == "wss"
    context: Any = tls.create_default_context() if is_tls else None  # Any: typeshed wants one or the other literally
    host, port = parts.hostname or "localhost", parts.port or (443 if is_tls else 80)
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return reader, writer, f"{host}:{port}", path


async def _head(reader: asyncio.StreamReader) -> tuple[int, str]:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        return int(head.split(None, 2)[1]), head
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError) as error:
        raise ConnectionError("no HTTP answer") from error

"""A link that breaks what the server says, frame by frame: the server behind it seems to have a fault."""

import asyncio
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from arqonbus.protocol.frames import text_frame

Fault = Callable[[dict[str, Any]], list[dict[str, Any]]]
"""What becomes of one frame of one connection: itself, another, several, none."""

_TEXT, _CLOSE = 0x81, 0x88


class BrokenLink:
    """A proxy before a server. `fault` is made anew for each connection; a close code may become another."""

    def __init__(self, url: str, fault: Callable[[], Fault], closes: dict[int, int] | None = None) -> None:
        self._to = urlsplit(url)
        self._fault = fault
        self._closes = closes or {}
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        while self._links:
            await asyncio.wait(self._links)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = asyncio.current_task()
        assert own is not None
        self._links.add(own)
        own.add_done_callback(self._links.discard)
        there, back = await asyncio.open_connection(self._to.hostname, self._to.port)
        both = [asyncio.create_task(_copy(reader, back)), asyncio.create_task(self._break(there, writer))]
        try:
            await self._until_one_ends(both)
        finally:
            for end in (back, writer):
                end.transport.abort()
            await asyncio.gather(back.wait_closed(), writer.wait_closed(), return_exceptions=True)

    async def _until_one_ends(self, both: list[asyncio.Task[None]]) -> None:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.05)  # what is on its way in the other direction
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)

    async def _break(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = self._fault()
        try:
            writer.write(await reader.readuntil(b"\r\n\r\n"))
            while True:
                first, payload = await _frame(reader)
                if first == _TEXT:
                    for frame in fault(json.loads(payload)):
                        writer.write(text_frame(json.dumps(frame).encode()))
                else:
                    writer.write(bytes((first, len(payload))) + self._said(first, payload))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    def _said(self, first: int, payload: bytes) -> bytes:
        if first != _CLOSE or not payload:
            return payload
        code = int.from_bytes(payload[:2], "big")
        return self._closes.get(code, code).to_bytes(2, "big") + payload[2:]


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, size = await reader.readexactly(2)
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    return first, await reader.readexactly(size)

"""Link: a WebSocket to the bus that costs next to nothing, so that a measurement is of the bus and not of its client.

The SDK spends some 80 us on an event that it hands to a program; a hundred readers in one process would see the last
copy 8 ms late by their own fault. This one spends 3 us. It speaks just what a load needs: it joins, sends events and
reads them. It does not come back after a loss, and mends nothing: what is missing is missing.

Source: RFC 6455 5.2 (frames); the mask of a client may be any key, so also zeros, which leave the text as it is.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import ssl
from collections.abc import Callable, Mapping
from time import monotonic_ns
from typing import Any, Final, Self
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw, Struct

from arqonbus.client import CannotConnect, ClientError, Unauthorized
from arqonbus.client.codes import error_of

__all__ = ["Link", "Round", "frame"]

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA

HIGH_WATER: Final = 262_144
"""Bytes that may wait in a socket; with more, senders wait: then the bus does not take what it is sent."""

OnEvent = Callable[[int, int, int], None]
"""(seq, intended time in ns, time of arrival in ns)"""


class Incoming(Struct):
    """What is read of a message; the rest is not looked at."""

    type: str
    seq: int = 0
    event: str = ""
    payload: Raw = Raw(b"null")
    request_id: str | None = None
    status: str = ""
    result: Raw = Raw(b"null")
    error: dict[str, Any] | None = None


_decoder: Final = msgspec.json.Decoder(Incoming)


class Round:
    """One round of the event loop: what all sockets have in it was there when it began, so that is when it came.

    Else the last of a hundred sockets would be blamed for the time that handling the ninety-nine others took.
    """

    __slots__ = ("_is_open", "_loop", "at_ns")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_open = False
        self.at_ns = 0  # when it began

    def enter(self) -> None:
        """Note the time, if this is the first socket of the round."""
        if not self._is_open:
            self._is_open = True
            self.at_ns = monotonic_ns()
            self._loop.call_soon(self._end)  # runs when every socket of this round has been read

    def _end(self) -> None:
        self._is_open = False


class Link(asyncio.Protocol):
    """One connection. Made by `open`; belongs to one event loop.

    Args:
        round: of that loop, shared by all links
        on_event: told of every event
    """

    def __init__(self, round: Round, on_event: OnEvent) -> None:
        self._round = round
        self._on_event = on_event
        self._rest = b""
        self._is_upgraded = False
        self._transport: asyncio.Transport
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked: dict[str, asyncio.Future[Raw]] = {}
        self._n = 0
        self.refused = 0  # messages that the bus answered with an error
        self.is_cut = False  # the bus, or the network, ended it
        self._is_closed = False  # we did

    # --- life -------------------------------------------------------------------------------------------------------

    @classmethod
    async def open(cls, url: str, token: str | None, timeout_s: float, round: Round, on_event: OnEvent) -> Self:
        """Connect, and wait until the bus lets it in.

        Raises:
            CannotConnect: nobody there, or nobody who speaks WebSocket
            Unauthorized: not with this token
        """
        parts = urlsplit(url)
        host, is_safe = parts.hostname or "127.0.0.1", parts.scheme == "wss"
        port = parts.port or (443 if is_safe else 80)
        context = ssl.create_default_context() if is_safe else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                _, link = await loop.create_connection(lambda: cls(round, on_event), host, port, ssl=context)
                link._transport.write(_request(parts.netloc.rpartition("@")[2], parts.path or "/", token))
                await link._greeted
        except TimeoutError:
            raise CannotConnect(f"no session at {url} within {timeout_s:g} s") from None
        except OSError as error:
            raise CannotConnect(f"no session at {url}: {error}") from error
        return link

    def close(self) -> None:
        """Say good-bye. Closing twice is fine."""
        if not self._is_closed:
            self._is_closed = True
            self._transport.write(frame(b"\x03\xe8", CLOSE))
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See Protocol."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream
        transport.set_write_buffer_limits(HIGH_WATER)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """See Protocol."""
        self.is_cut = not self._is_closed
        lost = CannotConnect("the connection was lost")
        everybody: tuple[asyncio.Future[Any], ...] = (self._greeted, *self._asked.values())
        for waiting in everybody:
            if not waiting.done():
                waiting.set_exception(lost)
                waiting.exception()  # nobody may be waiting any more
        self._asked.clear()
        self._may_write.set()

    def pause_writing(self) -> None:
        """See Protocol."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """See Protocol."""
        self._may_write.set()

    # --- sending ----------------------------------------------------------------------------------------------------

    async def send(self, text: bytes) -> bool:
        """Send one message; waits while the bus does not take what was sent.

        Returns:
            True: it had to wait

        Raises:
            ClientError: the connection is cut
        """
        had_to_wait = not self._may_write.is_set()
        if had_to_wait:
            await self._may_write.wait()
        if self.is_cut:
            raise CannotConnect("the connection was lost")
        self._transport.write(frame(text))
        return had_to_wait

    async def ask(self, envelope: Mapping[str, object]) -> Raw:
        """Send a command, or an event with `ack`, and wait for its result. Raises ClientError: refused, or cut."""
        self._n += 1
        id = f"q{self._n}"
        answer: asyncio.Future[Raw] = asyncio.get_running_loop().create_future()
        self._asked[id] = answer
        await self.send(msgspec.json.encode({**envelope, "id": id}))
        return await answer

    # --- reading ----------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Read every whole frame of what has come."""
        self._round.enter()
        if self._rest:
            data = self._rest + data
        if not self._is_upgraded:
            head, separator, data = data.partition(b"\r\n\r\n")
            if not separator:
                self._rest = head
                return
            self._upgraded(head)
        at = 0
        while (found := _frame_at(data, at)) is not None:
            opcode, start, at = found
            self._take(opcode, data[start:at])
        self._rest = data[at:]

    def _upgraded(self, head: bytes) -> None:
        self._is_upgraded = True
        status = head.split(b" ", 2)[1:2]
        if status != [b"101"]:
            self._fail(CannotConnect(f"expected a WebSocket, got HTTP {status[0].decode() if status else 'nothing'}"))

    def _take(self, opcode: int, body: bytes) -> None:
        if opcode == TEXT:
            self._read(_decoder.decode(body))
        elif opcode == PING:
            self._transport.write(frame(body, PONG))
        elif opcode == CLOSE:
            self._transport.close()

    def _read(self, message: Incoming) -> None:
        if message.type == "event":
            payload = bytes(message.payload)
            if payload[:1] == b"[":
                self._on_event(message.seq, int(payload[1 : payload.find(b",")]), self._round.at_ns)
        elif message.type == "response":
            self._answered(message)
        elif message.event == "welcome" and not self._greeted.done():
            self._greeted.set_result(None)
        elif message.event == "refused":
            words = msgspec.json.decode(message.payload)
            self._fail(Unauthorized(str(words.get("message", "refused")), code=str(words.get("code", "refused"))))

    def _answered(self, message: Incoming) -> None:
        waiting = self._asked.pop(message.request_id or "", None)
        if message.error is None:
            if waiting is not None and not waiting.done():
                waiting.set_result(message.result)
            return
        if waiting is None:
            self.refused += 1
        elif not waiting.done():
            code, words = str(message.error.get("code")), str(message.error.get("message"))
            waiting.set_exception(error_of(code, words))

    def _fail(self, error: ClientError) -> None:
        if not self._greeted.done():
            self._greeted.set_exception(error)
        self._transport.close()


def frame(body: bytes, opcode: int = TEXT) -> bytes:
    """Write a frame as a client does; its mask is zeros."""
    size = len(body)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65_536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + b"\0\0\0\0" + body


def _frame_at(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Find the frame that begins there: opcode, where its body begins and ends; None: it is not all there yet."""
    left = len(data) - at
    if left < 2:
        return None
    size, head = data[at + 1] & 0x7F, 2
    if size == 126:
        head, size = 4, int.from_bytes(data[at + 2 : at + 4], "big")
    elif size == 127:
        head, size = 10, int.from_bytes(data[at + 2 : at + 10], "big")
    if left < head or left < head + size:
        return None
    return data[at] & 0x0F, at + head, at + head + size


def _request(host: str, path: str, token: str | None) -> bytes:
    fields = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "arqonbus.v1",
    }
    if token is not None:
        fields["Authorization"] = f"Bearer {token}"
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode()

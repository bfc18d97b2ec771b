"""Members and publishers for measurements over several nodes: plain sockets, no library in the way.

A member notes what it gets in a few operations: epoch and seq are told by the server in order, so a hash of all texts
with their seqs says whether two members got the same in the same order.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import time
from typing import Any

from tests.specs.client import frame

__all__ = ["Member", "Publisher", "opened"]

_SEQ = re.compile(rb'\{"seq":(\d+),"type":"event"|\{"type":"event".{,400}?,"seq":(\d+),"payload"')
_STAMP = re.compile(rb'"payload":\{"n":(\d+),"at":(\d+\.\d+)')


class Member(asyncio.Protocol):
    """A WebSocket client that joins one channel."""

    def __init__(self, room: str, channel: str) -> None:
        self.room, self.channel = room, channel
        self.seqs: list[int] = []
        self.texts: dict[int, int] = {}  # seq -> number of the event: what two members have to agree on
        self.delays: list[float] = []
        self.told: list[str] = []  # system events
        self.gaps: list[dict[str, Any]] = []
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answers: dict[str, dict[str, Any]] = {}
        self._buffer = b""
        self._is_open = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ("GET / HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade")
        lines = (*lines, f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", "")
        transport.write("\r\n".join(lines).encode())

    def send(self, message: dict[str, Any]) -> None:
        self._transport.write(frame(1, json.dumps(message).encode()))

    def close(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        if not self._is_open:
            head, found, buffer = buffer.partition(b"\r\n\r\n")
            if not found:
                self._buffer = head
                return
            self._is_open = True
            args = {"room": self.room, "channel": self.channel}
            self.send({"type": "command", "id": "join", "command": "join_channel", "args": args})
        at, size = 0, len(buffer)
        while size - at >= 2:
            length, begin = buffer[at + 1] & 127, at + 2
            if length == 126:
                length, begin = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, begin = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if begin + length > size or begin > size:
                break
            self._take(buffer[begin : begin + length])
            at = begin + length
        self._buffer = buffer[at:]

    def _take(self, text: bytes) -> None:
        found = _SEQ.match(text)
        if found is not None:
            stamp = _STAMP.search(text)
            if stamp is not None:
                self.heard(int(found[1] or found[2]), int(stamp[1]), float(stamp[2]))
            return
        message = json.loads(text) if text[:1] == b"{" else {}
        if message.get("type") == "response":
            if message["request_id"] == "join" and not self.joined.done():
                self.joined.set_result(None)
            self.answered(message)
        elif message.get("type") == "system":
            self.told.append(message["event"])
            if message["event"] == "gap":
                self.lost(message["payload"])

    def answered(self, message: dict[str, Any]) -> None:
        """Take an answer to a command, or to an event."""
        self.answers[message["request_id"]] = message

    def lost(self, gap: dict[str, Any]) -> None:
        """Take what the server owns to."""
        self.gaps.append(gap)

    def heard(self, seq: int, number: int, at: float) -> None:
        """Take one event: its place, its number, and when it was sent."""
        self.seqs.append(seq)
        self.texts[seq] = number
        self.delays.append(time.time() - at)


class Publisher(Member):
    """A member that publishes."""

    def publish(self, number: int, size: int = 100) -> None:
        pad = "x" * size
        text = (
            f'{{"type":"event","room":"{self.room}","channel":"{self.channel}","id":"e{number}","ack":true,'
            f'"payload":{{"n":{number},"at":{time.time():.6f},"pad":"{pad}"}}}}'
        )
        self._transport.write(frame(1, text.encode()))


async def opened(kind: type[Member], port: int, room: str, channel: str) -> Any:
    """Connect one, and wait until it is in its channel."""
    loop = asyncio.get_running_loop()
    _, member = await loop.create_connection(lambda: kind(room, channel), "127.0.0.1", port)
    await asyncio.wait_for(member.joined, 20)
    return member

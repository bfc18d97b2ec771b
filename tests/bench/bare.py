"""The yardstick: the least that a Python server can do for a delivery.

No bus: a text frame `JGGGG` puts its connection in group GGGG, any other text begins with the group that it goes to.
Each member gets the ready frame by one system call per delivery, which is what a server pays that does not
join the frames of a turn. The benchmark divides by this figure to take the speed of the machine out of its own.
It writes to the descriptor, past uvloop's transport, which would join what is written to one socket in one turn
(measured where it does not: the transport costs 4 % more).

Usage: python bare.py PORT
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import sys
from collections import defaultdict
from typing import cast

import uvloop
from websockets.speedups import apply_mask

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
_JOINED = b'\x81\x0f{"status":"ok"}'
_EXTENDED = 126  # second byte of a head whose length follows in two bytes

Groups = dict[bytes, set[int]]


class Bare(asyncio.Protocol):
    """One connection. `groups` is shared by all of them: name -> file descriptors of the members."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._unread = b""
        self._is_open = False  # the handshake is done
        self._joined: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the handshake and the descriptor for everything after it."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclasses of asyncio's
        self._fd: int = transport.get_extra_info("socket").fileno()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the group."""
        if self._joined is not None:
            self._groups[self._joined].discard(self._fd)

    def data_received(self, data: bytes) -> None:
        """Answer the handshake, then take every whole frame."""
        data = self._unread + data if self._unread else data
        if not self._is_open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._unread = head
                return
            self._transport.write(_accept(head))
            self._is_open = True
        self._unread = self._take_frames(data)

    def _take_frames(self, data: bytes) -> bytes:
        at, end = 0, len(data)
        while end - at >= 8:
            head = 2
            length = data[at + 1] & 0x7F
            if length == _EXTENDED:
                head = 4
                length = data[at + 2] << 8 | data[at + 3]
            stop = at + head + 4 + length
            if stop > end:
                break
            key = data[at + head : at + head + 4]
            self._take(apply_mask(data[at + head + 4 : stop], key))
            at = stop
        return data[at:]

    def _take(self, text: bytes) -> None:
        if text[0] == ord("J"):
            self._joined = text[1:5]
            self._groups[self._joined].add(self._fd)
            self._transport.write(_JOINED)
            return
        n = len(text)
        head = bytes((0x81, n)) if n < _EXTENDED else bytes((0x81, _EXTENDED, n >> 8, n & 0xFF))
        frame = head + text
        for fd in self._groups[text[:4]]:
            os.write(
                fd, frame
            )  # raises when the socket is full: the closed loop of the generator keeps it far from that


def _accept(head: bytes) -> bytes:
    lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    digest = base64.b64encode(hashlib.sha1(lines[b"Sec-WebSocket-Key"] + _GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + digest + b"\r\n\r\n"
    )


async def _serve(port: int) -> None:
    groups: Groups = defaultdict(set)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Bare(groups), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(_serve(int(sys.argv[1])))

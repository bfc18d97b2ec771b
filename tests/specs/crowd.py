"""Members by the hundred: they read frames, check that seqs follow one another, and keep nothing."""

import asyncio
import re

from tests.specs.client import PATIENCE_S, frame

_OP_TEXT = 1
_LENGTH_16, _LENGTH_64 = 126, 127
_SEQ = re.compile(rb'"seq":(\d+)')
_IS_EVENT = re.compile(rb'"type":"event"')
_IS_RESPONSE = re.compile(rb'"type":"response"')
_REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class CountingMember(asyncio.Protocol):
    """One member of one channel. `last` is the seq that it has seen up to, without a hole."""

    def __init__(self, address: str) -> None:
        self.last = 0
        self.joined = asyncio.get_running_loop().create_future()
        self.hole: str | None = None
        self._address = address
        self._bytes = bytearray()
        self._upgraded = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(_REQUEST)

    def data_received(self, data: bytes) -> None:
        """Count whole frames, keep the rest."""
        self._bytes += data
        if not self._upgraded:
            self._finish_upgrade()
        if self._upgraded:
            self._take_frames()

    def connection_lost(self, error: Exception | None) -> None:
        """A member that is lost before it joined fails the one who waits."""
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(f"lost before the join: {error}"))

    def close(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _finish_upgrade(self) -> None:
        head, end, rest = bytes(self._bytes).partition(b"\r\n\r\n")
        if not end:
            return
        assert b" 101 " in head, head
        self._upgraded = True
        self._bytes = bytearray(rest)
        join = f'{{"type":"command","id":"j","command":"join_channel","args":{{"room":"{self._address}"}}}}'
        assert self._transport is not None
        self._transport.write(frame(_OP_TEXT, join.encode()))

    def _take_frames(self) -> None:
        at, data = 0, self._bytes
        while (size := _frame_size(data, at)) is not None:
            head, length = size
            if len(data) < at + head + length:
                break
            self._judge(bytes(data[at + head : at + head + length]))
            at += head + length
        del data[:at]

    def _judge(self, text: bytes) -> None:
        if _IS_EVENT.search(text):
            found = _SEQ.search(text)
            seq = int(found[1]) if found else 0
            if seq != self.last + 1 and self.hole is None:
                self.hole = f"after seq {self.last} came {seq}"
            self.last = seq
        elif _IS_RESPONSE.search(text) and not self.joined.done():
            self.joined.set_result(None)


async def gather_members(count: int, address: str, path: str) -> list[CountingMember]:
    """Connect members over a Unix socket, 50 at a time, and let them join."""
    members: list[CountingMember] = []
    loop = asyncio.get_running_loop()
    for start in range(0, count, 50):
        some = [
            loop.create_unix_connection(lambda: CountingMember(address), path) for _ in range(min(50, count - start))
        ]
        opened = [protocol for _, protocol in await asyncio.gather(*some)]
        members += opened
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*[member.joined for member in opened])
    return members


def _frame_size(data: bytearray, at: int) -> tuple[int, int] | None:
    """Length of head and payload of the frame at a place; None: the head is not whole yet."""
    if len(data) < at + 2:
        return None
    length = data[at + 1]
    if length == _LENGTH_16:
        return (4, int.from_bytes(data[at + 2 : at + 4], "big")) if len(data) >= at + 4 else None
    if length == _LENGTH_64:
        return (10, int.from_bytes(data[at + 2 : at + 10], "big")) if len(data) >= at + 10 else None
    return 2, length

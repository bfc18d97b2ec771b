"""Bytes of one connection -> WebSocket messages, without a socket.

Here lives the incremental scanner: it cuts the byte stream into whole frames. One frame shape is read by our own short
path (final, masked text while no fragmented message is open: nearly all traffic); every other frame goes, whole and one
at a time, to the Sans-I/O `Protocol` of websockets, which validates it, answers pings and closes, and inflates.
Must not live here: sockets, timers, decoding of the text. Stands between `connection` (feeds it) and `protocol.codec`.

Source: RFC 6455 5.2 (framing), 5.4 (fragmentation), 7.4.1 (close codes); RFC 7692 (compression).
"""

import logging
import struct
from collections.abc import Sequence
from typing import Final, Protocol

from websockets.extensions import Extension
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import OPEN, SERVER
from websockets.protocol import Protocol as Peer
from websockets.speedups import apply_mask

from arqonbus.errors import InternalError
from arqonbus.protocol import codes

__all__ = ["MAX_FRAGMENTS", "PING_FRAME", "SILENT", "Scanner", "Sink", "close_frame"]

# Fragments of one message. A message of the default limit (1 MiB) in 1 KiB fragments fits; many more are waste on
# purpose: each costs 5 to 8 us of parsing, whatever its size.
MAX_FRAGMENTS: Final = 1024

PING_FRAME: Final = b"\x89\x00"  # no payload: the pong is only a sign of life

# The library must not log: its debug lines hold headers and payloads, its info lines come once per connection. Not
# registered with the logging tree, so that no configuration can switch it on.
SILENT: Final = logging.Logger("arqonbus.silent", logging.CRITICAL + 1)  # noqa: LOG001 - see above

_FINAL_TEXT: Final = 0x81  # FIN and opcode 1, no reserved bit
_MASKED: Final = 0x80  # second byte of a masked frame of 0 bytes; sizes up to 125 are added to it
_EXTENDED_16: Final = 0xFE  # masked, size in the next 2 bytes; 0xFF: in the next 8
_SHORTEST: Final = 8  # bytes: the longest head of the hot loop. Less than that at the end takes the other path
_NO_KEY: Final = bytes(4)  # XOR with zeros changes nothing; some clients send it to save work
_NO_STATUS: Final = 1005  # what a close frame without a code is said to have; never on the wire
_CONTROL: Final = (Opcode.PING, Opcode.PONG)
_read_head: Final = struct.Struct(">BBH4s").unpack_from
"""Read a masked frame with a size of two bytes: first and second byte, size, key. Any 8 bytes will do."""
_OPCODES: Final = frozenset(int(opcode) for opcode in Opcode)


class Sink(Protocol):
    """What a scanner tells its connection, in stream order."""

    def text(self, payload: bytes) -> bool:
        """Take one whole text message (UTF-8 not checked). False: stop here, keep the rest for the next `feed`."""

    def control(self, reply: bytes) -> bool:
        """Take one ping (`reply` is the pong frame) or pong (`reply` is empty). False: stop here, for good."""

    def closed(self, code: int, reason: str, reply: bytes) -> None:
        """Take the peer's close frame, the last thing of the stream; `reply` is the echo. Code 1005: it held none."""

    def failed(self, code: int, reason: str) -> None:
        """Take the news that the stream broke a rule; nothing after this point is read."""


def close_frame(code: int, reason: str) -> bytes:
    """Build a server's close frame; a reason over 123 bytes of UTF-8 is cut at a character.

    Raises:
        websockets.exceptions.ProtocolError: the code may not be sent (1005, 1006, 1015, under 1000, over 4999).
    """
    short = reason.encode(errors="replace")[:123].decode(errors="ignore")  # 125 bytes a control frame, two are the code
    return Frame(Opcode.CLOSE, Close(code, short).serialize()).serialize(mask=False)


class Scanner:
    """Cuts the bytes of one connection into messages. Owned and fed by one connection, for its whole open life.

    Holds at most two messages (one being read, one put together) and one read. Idle it holds no buffer and, unless
    the connection is compressed, no object of websockets.
    """

    __slots__ = ("_fragments", "_limit", "_message", "_need", "_peer", "_rest", "is_compressed")

    def __init__(self, limit: int, extensions: Sequence[Extension] = ()) -> None:
        """Start at the first byte after the HTTP head.

        Args:
            limit: Largest message accepted, in bytes, after inflating.
            extensions: Negotiated in the handshake. With any, the websockets `Protocol` is kept for life: it holds
                their state.
        """
        self._limit = limit
        self._rest: bytearray | None = None  # bytes not scanned yet
        self._need = 0  # bytes that `_rest` must hold before scanning it can give anything
        self._message: bytearray | None = None  # the open fragmented message, inflated
        self._fragments = 0  # of the open message
        self.is_compressed = bool(extensions)
        self._peer = self._new_peer(extensions) if extensions else None

    @property
    def pending_bytes(self) -> int:
        """Bytes held: of a message that is not whole yet, or after a stop."""
        return len(self._rest or b"") + len(self._message or b"")

    def feed(self, data: bytes | memoryview, end: int, sink: Sink) -> None:
        """Scan what was kept and then the first `end` bytes of `data`; call the sink for everything that is whole.

        Linear in the number of bytes, however they are split. Nothing of `data` is referred to afterwards: what is told
        and what is kept are copies. After `closed`, `failed` or a False from `control` there is nothing more to feed.
        """
        if self._rest is not None:
            data = self._joined(self._rest, data[:end])
            end = len(data)
        pos = 0
        # The one hot loop of the transport, in one function: a call costs as much as the rest of the scan of a frame.
        while pos < end:
            if self._peer is None and end - pos >= _SHORTEST:
                first, size, wide, key = _read_head(data, pos)
                if first == _FINAL_TEXT:
                    if size == _EXTENDED_16:
                        start, size = pos + 8, wide
                    else:
                        start, size = pos + 6, size - _MASKED if size < _EXTENDED_16 else -1
                        key = data[pos + 2 : start]
                    stop = start + size
                    if stop <= end and 0 <= size <= self._limit:
                        pos = stop
                        text = data[start:stop]
                        if sink.text(bytes(text) if key == _NO_KEY else apply_mask(text, key)):
                            continue
                        break
            data = _copied(data, end)  # once for a read, however many such frames are in it
            pos, more = self._other(data, pos, sink)
            if not more:
                break
        if pos < end:
            self._rest = bytearray(data[pos:end])

    def _joined(self, rest: bytearray, data: bytes | memoryview) -> bytes:
        """Put new bytes behind those kept, and give all; none while that is less than a frame is known to need."""
        rest += data
        if len(rest) < self._need:
            return b""
        self._rest, self._need = None, 0
        return bytes(rest)

    def hold(self, data: bytes) -> None:
        """Keep bytes for the next `feed` without a look at them, after a stop."""
        if self._rest is None:
            self._rest = bytearray()
        self._rest += data

    def send(self, texts: Sequence[bytes]) -> bytes:
        """Build the frames of text messages on a compressed connection (one with extensions).

        Compression has a memory, so every message must go through here, in order, exactly once.
        """
        peer = self._peer
        if peer is None:
            raise InternalError("send() is for compressed connections; the others get ready frames")
        for text in texts:
            peer.send_text(text)
        return b"".join(peer.data_to_send())

    def drop(self) -> None:
        """Forget all bytes and the library's state, for a connection that reads no more."""
        self._rest = self._message = self._peer = None

    def _other(self, data: bytes, pos: int, sink: Sink) -> tuple[int, bool]:
        """Read one frame of any shape; return the position after it, and whether to go on.

        A frame too big is refused by its head, before its payload is waited for.
        """
        start, stop = _span(data, pos)
        open_bytes = len(self._message) if self._message is not None else 0
        if stop - start > self._limit - open_bytes:
            sink.failed(codes.TOO_BIG, f"expected a message of at most {self._limit} bytes")
            return len(data), False
        if stop > len(data):
            self._need = stop - pos
            return pos, False
        if data[pos] == _FINAL_TEXT and self._peer is None and start > pos + 2:
            payload = memoryview(data)[start:stop]  # a plain slice would copy a large message once more
            return stop, sink.text(apply_mask(payload, data[start - 4 : start]))
        return self._hand_over(data[pos:stop], sink, stop, len(data))

    def _hand_over(self, frame: bytes, sink: Sink, stop: int, end: int) -> tuple[int, bool]:
        """Let websockets read one whole frame (or the first two bytes of a bad one) and tell the sink what it says."""
        peer = self._peer if self._peer is not None else self._new_peer(())
        peer.receive_data(frame)
        events = peer.events_received()
        reply = b"".join(peer.data_to_send())
        if not events or not isinstance(events[0], Frame):
            verdict = peer.close_sent or Close(codes.PROTOCOL_ERROR, "")
            sink.failed(int(verdict.code), verdict.reason)
            return end, False
        event = events[0]
        if event.opcode is Opcode.CLOSE:
            verdict = peer.close_rcvd or Close(_NO_STATUS, "")
            sink.closed(int(verdict.code), verdict.reason, reply)
            return end, False
        if event.opcode in _CONTROL:
            return (stop, True) if sink.control(reply) else (end, False)
        return stop, self._data(event, peer, sink)

    def _data(self, frame: Frame, peer: Peer, sink: Sink) -> bool:
        """Add one data frame to its message; give the message to the sink when it is whole."""
        if frame.opcode is Opcode.BINARY:
            sink.failed(codes.NOT_TEXT, "expected text messages, got a binary one")
            return False
        if frame.fin and self._message is None:
            return sink.text(bytes(frame.data))
        self._fragments += 1
        if self._fragments > MAX_FRAGMENTS:
            sink.failed(codes.TOO_BIG, f"expected at most {MAX_FRAGMENTS} fragments in a message")
            return False
        if self._message is None:
            self._message, self._peer = bytearray(), peer
        self._message += frame.data
        if not frame.fin:
            return True
        whole = bytes(self._message)
        self._message, self._fragments = None, 0
        if not self.is_compressed:
            self._peer = None
        return sink.text(whole)

    def _new_peer(self, extensions: Sequence[Extension]) -> Peer:
        peer = Peer(SERVER, state=OPEN, max_size=self._limit, logger=SILENT)
        peer.extensions = list(extensions)
        return peer


def _copied(data: bytes | memoryview, end: int) -> bytes:
    return data if isinstance(data, bytes) else bytes(data[:end])


def _span(data: bytes, pos: int) -> tuple[int, int]:
    """Return where the payload of the frame at `pos` starts and stops.

    While the head is not whole: where the known part of it stops, twice. A head that no rule allows (no mask, unknown
    opcode) spans its first two bytes only, so that it is refused at once.
    """
    if len(data) - pos < 2:
        return pos + 2, pos + 2
    first, second = data[pos], data[pos + 1]
    if second < _MASKED or first & 0x0F not in _OPCODES:
        return pos + 2, pos + 2
    if second < _EXTENDED_16:
        return pos + 6, pos + 6 + second - _MASKED
    start = pos + 8 if second == _EXTENDED_16 else pos + 14
    if len(data) < start - 4:
        return start, start
    return start, start + int.from_bytes(data[pos + 2 : start - 4])

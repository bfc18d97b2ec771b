"""Every way to break RFC 6455 that the scenarios name, as the chunks of bytes that do it."""

from tests.specs.client import frame

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _RESERVED = 0, 1, 2, 8, 9, 3
_TWO_GIB = 2**31
_BIG = 60_000
"""Bytes of one fragment; 18 of them are more than the default limit of a message, 1 MiB."""

FAULTS: dict[str, list[bytes]] = {
    "an unmasked text frame": [frame(_TEXT, b"{}", masked=False)],
    "a frame with a reserved opcode": [frame(_RESERVED, b"{}")],
    "a frame with a reserved bit": [frame(_TEXT, b"{}", reserved=4)],
    "a fragmented ping": [frame(_PING, b"", fin=False)],
    "a ping of 126 bytes": [frame(_PING, b"x" * 126)],
    "a continuation of nothing": [frame(_CONTINUATION, b"{}")],
    "a new text inside a fragmented one": [frame(_TEXT, b"{", fin=False), frame(_TEXT, b"{}")],
    "a binary message": [frame(_BINARY, b"{}")],
    "a text that is not UTF-8": [frame(_TEXT, b'{"type":"\xff"}')],
    "a fragmented text that is not UTF-8": [frame(_TEXT, b'{"\xc3', fin=False), frame(_CONTINUATION, b'\x28"}')],
    "the head of a text of 2 GiB": [b"\x81\xff" + _TWO_GIB.to_bytes(8, "big") + bytes(4)],
    "fragments that together exceed the limit": [
        frame(_TEXT, b"x" * _BIG, fin=False),
        *[frame(_CONTINUATION, b"x" * _BIG, fin=False)] * 20,
    ],
    "a close frame with code 1000": [frame(_CLOSE, b"\x03\xe8")],
}

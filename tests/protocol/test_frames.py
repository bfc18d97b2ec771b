"""Frames: RFC 6455 heads, also read back by an independent parser."""

import pytest
from websockets.frames import Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

from arqonbus.protocol.frames import head, text_frame


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "8100"),
        (1, "8101"),
        (125, "817d"),
        (126, "817e007e"),
        (127, "817e007f"),
        (65535, "817effff"),
        (65536, "817f0000000000010000"),
        (1048576, "817f0000000000100000"),
        (2**63 - 1, "817f7fffffffffffffff"),
    ],
)
def test_the_head_has_the_shortest_length(size: int, expected: str) -> None:
    assert head(size).hex() == expected


def test_a_frame_is_head_and_text() -> None:
    assert text_frame(b'{"a":1}') == b'\x81\x07{"a":1}'


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_a_websocket_client_reads_the_frame(size: int) -> None:
    client = Protocol(CLIENT, state=OPEN)
    client.receive_data(text_frame(b"x" * size))

    (frame,) = client.events_received()
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.TEXT, True, b"x" * size)

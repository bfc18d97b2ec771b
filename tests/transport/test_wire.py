"""The scanner: any split of the bytes gives the same messages; every broken stream ends with its code."""

import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import OPEN, SERVER, Protocol

from arqonbus.errors import InternalError
from arqonbus.transport.wire import MAX_FRAGMENTS, SILENT, Scanner, close_frame

LIMIT = 70_000


class Recorder:
    """A sink that writes down what it is told; `stops` says at which texts it asks the scanner to stop."""

    def __init__(self, stops: int = 0) -> None:
        self.events: list[tuple[object, ...]] = []
        self.stops = stops

    def text(self, payload: bytes) -> bool:
        assert type(payload) is bytes
        self.events.append(("text", payload))
        self.stops -= 1
        return self.stops != 0

    def control(self, reply: bytes) -> bool:
        self.events.append(("control", reply))
        return True

    def closed(self, code: int, reason: str, reply: bytes) -> None:
        self.events.append(("closed", code, reason, reply))

    def failed(self, code: int, reason: str) -> None:
        self.events.append(("failed", code))


def frame(opcode: int, data: bytes, *, fin: bool = True, key: bytes = b"\x11\x22\x33\x44", bits: int = 0) -> bytes:
    """Build a client's frame by hand: the expected bytes must not come from the code under test."""
    size = len(data)
    head = bytes([(0x80 if fin else 0) | bits | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += b"\xfe" + size.to_bytes(2)
    else:
        head += b"\xff" + size.to_bytes(8)
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(data))


def text(data: bytes, **more) -> bytes:
    return frame(1, data, **more)


def feed(scanner: Scanner, data: bytes, sink: Recorder) -> None:
    """Do as the transport does: old bytes stand behind the new ones in the buffer, which is overwritten afterwards."""
    buffer = bytearray(data + b"\x81" * 64)
    scanner.feed(memoryview(buffer), len(data), sink)
    buffer[:] = bytes(len(buffer))


def scan(data: bytes, limit: int = LIMIT, sink: Recorder | None = None) -> Recorder:
    sink = sink or Recorder()
    feed(Scanner(limit), data, sink)
    return sink


@pytest.mark.parametrize("size", [0, 1, 2, 125, 126, 127, 65535, 65536, LIMIT])
@pytest.mark.parametrize("key", [b"\x11\x22\x33\x44", b"\x00\x00\x00\x00"], ids=["key", "no key"])
def test_a_text_of_any_size_comes_out_unmasked(size, key):
    payload = bytes(i % 251 for i in range(size))

    assert scan(text(payload, key=key)).events == [("text", payload)]


def test_many_frames_in_one_read_come_out_in_order():
    data = b"".join(text(b"%d" % n) for n in range(1000))

    assert scan(data).events == [("text", b"%d" % n) for n in range(1000)]


messages = st.lists(
    st.one_of(
        st.binary(max_size=300).map(lambda data: [text(data)]),
        st.just([text(b"x" * 66_000)]),
        st.binary(max_size=125).map(lambda data: [frame(9, data)]),
        st.binary(max_size=125).map(lambda data: [frame(10, data)]),
        st.lists(st.binary(max_size=200), min_size=2, max_size=4).map(
            lambda parts: [
                frame(1 if i == 0 else 0, part, fin=i == len(parts) - 1) + (frame(9, b"in between") if i == 0 else b"")
                for i, part in enumerate(parts)
            ]
        ),
    ),
    max_size=8,
).map(lambda frames: b"".join(part for message in frames for part in message))


@settings(max_examples=200, deadline=None)
@given(data=messages, cuts=st.lists(st.integers(0, 70_000), max_size=12))
def test_any_split_of_the_bytes_gives_the_same_messages(data, cuts):
    whole = scan(data).events
    split, scanner = Recorder(), Scanner(LIMIT)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})

    for start, stop in pairwise(edges):
        feed(scanner, data[start:stop], split)

    assert split.events == whole
    assert scanner.pending_bytes == 0


@settings(max_examples=200, deadline=None)
@given(data=messages, stops=st.integers(1, 4))
def test_a_scanner_that_is_stopped_goes_on_where_it_was(data, stops):
    whole = scan(data).events
    stopped, scanner = Recorder(stops), Scanner(LIMIT)

    feed(scanner, data, stopped)
    while scanner.pending_bytes:
        stopped.stops = stops
        feed(scanner, b"", stopped)

    assert stopped.events == whole


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=400))
def test_noise_never_raises_and_ends_at_the_first_fault(data):
    events = scan(data, limit=200).events

    ends = [event for event in events if event[0] in ("failed", "closed")]
    assert len(ends) <= 1
    assert events[-1:] == ends or not ends


frames = st.builds(
    frame,
    st.sampled_from([0, 0, 1, 1, 1, 8, 9, 10, 11, 3]),
    st.one_of(st.binary(max_size=10), st.sampled_from([b"x" * 125, b"x" * 126, b"\x03\xe8ok", b"x" * 1001])),
    fin=st.sampled_from([True, True, False]),
    bits=st.sampled_from([0, 0, 0, 0, 0x40, 0x10]),
)


def judged_by_the_library(data: bytes, limit: int) -> list[tuple[object, ...]]:
    """Say what websockets alone makes of the bytes, in the words of Recorder."""
    peer = Protocol(SERVER, state=OPEN, max_size=limit, logger=SILENT)
    peer.receive_data(data)
    events: list[tuple[object, ...]] = []
    message = b""
    for found in peer.events_received():
        if found.opcode in (Opcode.TEXT, Opcode.CONT):
            message += found.data
            if found.fin:
                events.append(("text", bytes(message)))
                message = b""
        elif found.opcode is Opcode.CLOSE:
            events.append(("closed", peer.close_rcvd.code))
        else:
            events.append(("control",))
    if peer.close_sent is not None and peer.close_rcvd_then_sent is None or peer.parser_exc is not None:
        events.append(("failed", int(peer.close_sent.code)))
    return events


@settings(max_examples=500, deadline=None)
@given(st.lists(frames, max_size=8).map(b"".join))
def test_the_scanner_judges_frames_as_the_library_does(data):
    ours = [
        event if event[0] == "text" else event[:1] if event[0] == "control" else event[:2]
        for event in scan(data, limit=1000).events
    ]

    assert ours == judged_by_the_library(data, 1000)


def test_one_byte_at_a_time_is_no_more_work_than_the_bytes():
    scanner, sink = Scanner(LIMIT), Recorder()
    data = text(b"y" * 60_000) + text(b"z")

    for i in range(len(data)):
        feed(scanner, data[i : i + 1], sink)

    assert sink.events == [("text", b"y" * 60_000), ("text", b"z")]


def test_bytes_held_after_a_stop_are_scanned_in_their_order():
    scanner, sink = Scanner(LIMIT), Recorder(stops=1)

    feed(scanner, text(b"1") + text(b"2")[:3], sink)
    scanner.hold(text(b"2")[3:] + text(b"3"))
    feed(scanner, b"", sink)

    assert sink.events == [("text", b"1"), ("text", b"2"), ("text", b"3")]


BROKEN = {
    "unmasked text": (b"\x81\x02hi", 1002),
    "unmasked, two bytes only": (b"\x81\x02", 1002),
    "first reserved bit": (text(b"hi", bits=0x40), 1002),
    "second reserved bit": (text(b"hi", bits=0x20), 1002),
    "third reserved bit": (text(b"hi", bits=0x10), 1002),
    "reserved data opcode": (frame(3, b"")[:2], 1002),
    "reserved control opcode": (frame(11, b"")[:2], 1002),
    "continuation of nothing": (frame(0, b"x"), 1002),
    "text inside a fragmented text": (text(b"a", fin=False) + text(b"b"), 1002),
    "fragmented ping": (frame(9, b"", fin=False), 1002),
    "long ping": (frame(9, b"p" * 126), 1002),
    "close with one byte": (frame(8, b"\x03"), 1002),
    "close with a code that may not be sent": (frame(8, (1005).to_bytes(2)), 1002),
    "close with a reason that is no utf-8": (frame(8, b"\x03\xe8\xff"), 1007),
    "close inside a fragmented text": (text(b"a", fin=False) + frame(8, b"\x03\xe8"), 1002),
    "binary": (frame(2, b"\x00"), 1003),
    "fragmented binary": (frame(2, b"\x00", fin=False), 1003),
    "one byte over the limit": (text(b"x" * (LIMIT + 1)), 1009),
    "64-bit size, by its head": (b"\x81\xff" + (2**40).to_bytes(8), 1009),
    "64-bit size with the top bit, by its head": (b"\x81\xff" + b"\xff" * 8, 1009),
    "fragments over the limit, by a head": (text(b"x" * LIMIT, fin=False) + b"\x80\x81", 1009),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN)
def test_a_broken_stream_fails_with_its_code(data, code):
    assert scan(data + text(b"not read any more")).events[-1] == ("failed", code)


def test_a_16_bit_size_over_a_small_limit_is_refused_by_its_head():
    assert scan(b"\x81\xfe\xff\xff", limit=1000).events == [("failed", 1009)]


def test_a_short_frame_over_a_tiny_limit_is_refused():
    assert scan(text(b"x" * 11), limit=10).events == [("failed", 1009)]


def test_a_frame_too_big_is_not_waited_for():
    scanner, sink = Scanner(LIMIT), Recorder()

    feed(scanner, b"\x81\xff" + (LIMIT + 1).to_bytes(8), sink)

    assert sink.events == [("failed", 1009)]
    assert scanner.pending_bytes == 0


def test_fragments_are_put_together_around_a_ping():
    data = text(b"one ", fin=False) + frame(9, b"?") + frame(0, b"two ", fin=False) + frame(0, b"three")

    assert scan(data).events == [("control", b"\x8a\x01?"), ("text", b"one two three")]


def test_an_empty_fragmented_text_is_a_text():
    assert scan(text(b"", fin=False) + frame(0, b"")).events == [("text", b"")]


@pytest.mark.parametrize(("extra", "end"), [(0, "text"), (1, "failed")])
def test_the_number_of_fragments_is_bounded(extra, end):
    middle = frame(0, b"", fin=False) * (MAX_FRAGMENTS - 2 + extra)

    assert scan(text(b"", fin=False) + middle + frame(0, b"")).events[-1][0] == end


def test_a_text_after_a_fragmented_one_takes_the_short_way_again():
    scanner, sink = Scanner(LIMIT), Recorder()

    feed(scanner, text(b"a", fin=False) + frame(0, b"b") + text(b"c"), sink)

    assert sink.events == [("text", b"ab"), ("text", b"c")]
    assert scanner._peer is None


def test_an_idle_scanner_holds_nothing_of_the_library():
    scanner = Scanner(LIMIT)

    feed(scanner, frame(9, b"ping") + frame(10, b"pong"), Recorder())

    assert (scanner._peer, scanner._rest, scanner._message) == (None, None, None)


def test_a_ping_is_answered_and_a_pong_is_not():
    assert scan(frame(9, b"abc") + frame(10, b"abc")).events == [("control", b"\x8a\x03abc"), ("control", b"")]


def test_a_false_from_control_ends_the_stream():
    class Cut(Recorder):
        def control(self, reply: bytes) -> bool:
            super().control(reply)
            return False

    sink = Cut()
    scanner = Scanner(LIMIT)

    feed(scanner, frame(9, b"") * 100, sink)

    assert sink.events == [("control", b"\x8a\x00")]
    assert scanner.pending_bytes == 0


def test_a_close_frame_is_echoed_and_ends_the_stream():
    data = frame(8, (4000).to_bytes(2) + b"bye") + text(b"late")

    assert scan(data).events == [("closed", 4000, "bye", b"\x88\x05\x0f\xa0bye")]


def test_a_close_frame_without_a_code_is_1005():
    assert scan(frame(8, b"")).events == [("closed", 1005, "", b"\x88\x00")]


def test_our_close_frame_holds_code_and_reason():
    assert close_frame(4100, "slow") == b"\x88\x06\x10\x04slow"


def test_a_long_reason_is_cut_at_a_character():
    built = close_frame(1000, "é" * 100)

    assert len(built) == 2 + 2 + 122
    assert built[4:].decode() == "é" * 61


def deflating() -> PerMessageDeflate:
    return PerMessageDeflate(False, False, 15, 15)


def compressed(data: bytes, *, fin: bool = True) -> bytes:
    squeezed = zlib.compressobj(wbits=-15)
    return text((squeezed.compress(data) + squeezed.flush(zlib.Z_SYNC_FLUSH))[:-4], fin=fin, bits=0x40)


def test_a_compressed_text_comes_out_inflated():
    scanner, sink = Scanner(LIMIT, [deflating()]), Recorder()

    feed(scanner, compressed(b"squeeze me " * 20) + text(b"plain is allowed"), sink)

    assert sink.events == [("text", b"squeeze me " * 20), ("text", b"plain is allowed")]


def test_a_decompression_bomb_fails_at_the_limit():
    scanner, sink = Scanner(LIMIT, [deflating()]), Recorder()

    feed(scanner, compressed(b"\x00" * 20_000_000), sink)

    assert sink.events == [("failed", 1009)]


def test_a_bomb_in_fragments_fails_at_the_limit():
    squeezed = zlib.compressobj(wbits=-15)
    parts = [squeezed.compress(b"\x00" * 40_000) + squeezed.flush(zlib.Z_SYNC_FLUSH) for _ in range(3)]
    scanner, sink = Scanner(LIMIT, [deflating()]), Recorder()

    feed(scanner, text(parts[0], fin=False, bits=0x40), sink)
    feed(scanner, frame(0, parts[1], fin=False) + frame(0, parts[2]), sink)

    assert sink.events == [("failed", 1009)]


def test_compressed_noise_fails():
    scanner, sink = Scanner(LIMIT, [deflating()]), Recorder()

    feed(scanner, text(b"\xff\xff\xff\xff", bits=0x40), sink)

    assert sink.events == [("failed", 1002)]


def test_texts_sent_on_a_compressed_connection_can_be_inflated():
    scanner = Scanner(LIMIT, [deflating()])
    inflate = zlib.decompressobj(wbits=-15)

    first, second = scanner.send([b"same same same"]), scanner.send([b"same same same"])

    assert first[0] == second[0] == 0xC1
    assert inflate.decompress(first[2:] + b"\x00\x00\xff\xff") == b"same same same"
    assert inflate.decompress(second[2:] + b"\x00\x00\xff\xff") == b"same same same"
    assert len(second) < len(first)


def test_sending_texts_on_a_plain_connection_is_a_fault_of_ours():
    with pytest.raises(InternalError):
        Scanner(LIMIT).send([b"x"])


def test_the_library_is_silent_at_every_level():
    assert not SILENT.isEnabledFor(50)


def test_our_frames_are_those_of_the_library():
    assert close_frame(1000, "x") == Frame(Opcode.CLOSE, Close(1000, "x").serialize()).serialize(mask=False)


def test_a_dropped_scanner_holds_nothing():
    scanner = Scanner(LIMIT)
    feed(scanner, text(b"abc")[:4], Recorder())

    scanner.drop()

    assert scanner.pending_bytes == 0

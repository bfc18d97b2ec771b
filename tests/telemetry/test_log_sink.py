"""The queue, the writer thread and the rate filter."""

import io
import logging
import os
import threading

import pytest

from arqonbus.telemetry.log_lines import HELD_BACK
from arqonbus.telemetry.log_sink import MOST_KINDS, LineQueue, RateFilter, SinkHandler, writer_of


class Gate:
    """A stream that blocks until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = threading.Event()
        self.chunks: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.entered.set()
        assert self.opened.wait(10)
        self.chunks.append(data)


def lines_of(chunks: list[bytes]) -> list[str]:
    return b"".join(chunks).decode().splitlines()


def told(n_lines: int) -> str:
    return f"{n_lines} dropped"


def test_lines_arrive_in_order() -> None:
    chunks: list[bytes] = []
    queue = LineQueue(chunks.append, told)

    assert all(queue.put(str(n)) for n in range(1000))

    assert queue.close(5)
    assert lines_of(chunks) == [str(n) for n in range(1000)]
    assert queue.statistics().written == 1000


def test_a_blocked_stream_does_not_block_the_caller_and_what_was_lost_is_counted_and_told() -> None:
    gate = Gate()
    queue = LineQueue(gate.write, told, max_bytes=100)
    queue.put("first")
    assert gate.entered.wait(5)

    accepted = [queue.put(f"line {n:03}") for n in range(1000)]

    assert accepted == [True] * 10 + [False] * 990
    assert queue.statistics().dropped == 990
    gate.opened.set()
    assert queue.close(5)
    assert lines_of(gate.chunks) == ["first", *[f"line {n:03}" for n in range(10)], "990 dropped"]


def test_what_was_lost_is_told_even_when_no_line_follows() -> None:
    gate = Gate()
    queue = LineQueue(gate.write, told, max_bytes=10)
    queue.put("first")
    assert gate.entered.wait(5)
    assert not queue.put("too much")

    gate.opened.set()

    assert queue.close(5)
    assert lines_of(gate.chunks) == ["first", "1 dropped"]


def test_there_is_room_again_after_a_write() -> None:
    gate = Gate()
    gate.opened.set()
    queue = LineQueue(gate.write, told, max_bytes=10)

    for _ in range(50):
        assert queue.put("12345678")
        assert queue.flush(5)

    assert queue.statistics().dropped == 0
    queue.close(5)


def test_closing_gives_up_at_its_deadline() -> None:
    gate = Gate()
    queue = LineQueue(gate.write, told)
    queue.put("never written")

    assert queue.close(0.01) is False

    gate.opened.set()
    assert queue.close(5) is True


def test_closing_twice_is_fine_and_a_closed_queue_takes_no_lines() -> None:
    chunks: list[bytes] = []
    queue = LineQueue(chunks.append, told)
    queue.put("one")

    assert queue.close(5)
    assert queue.close(5)
    assert queue.put("two") is False
    assert lines_of(chunks) == ["one"]


def test_a_queue_that_was_never_used_closes_at_once() -> None:
    assert LineQueue(lambda data: None, told).close(0)


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file")])
def test_a_stream_that_fails_costs_lines_and_nothing_else(error: Exception) -> None:
    def fail(data: bytes) -> None:
        raise error

    queue = LineQueue(fail, told)
    for _ in range(3):
        assert queue.put("x")
        assert queue.flush(5)

    assert queue.statistics().failed == 3
    queue.close(5)


def test_a_record_that_cannot_be_formatted_is_counted() -> None:
    def fail(record: logging.LogRecord) -> str:
        raise RuntimeError("no")

    handler = SinkHandler(LineQueue(lambda data: None, told), fail)

    handler.handle(logging.LogRecord("x", logging.INFO, "", 0, "m", None, None))

    assert handler.n_unformatted == 1


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def record(message: str = "socket.send() raised exception.", name: str = "asyncio") -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "", 0, message, None, None)


def test_a_flood_of_one_kind_is_cut_to_its_rate_and_counted() -> None:
    clock = Clock()
    rate = RateFilter(clock=clock)

    passed = sum(rate.filter(record()) for _ in range(200_000))

    assert passed == 10
    assert rate.n_suppressed == 199_990
    clock.now += 1
    after = record()
    assert rate.filter(after)
    assert after.__dict__[HELD_BACK] == 199_990


def test_how_many_were_held_back_is_told_once() -> None:
    clock = Clock()
    rate = RateFilter(per_second=1, clock=clock)
    rate.filter(record())
    rate.filter(record())
    clock.now += 1
    assert rate.filter(record())
    clock.now += 1
    last = record()

    assert rate.filter(last)

    assert HELD_BACK not in last.__dict__


def test_another_kind_is_not_held_back() -> None:
    rate = RateFilter(per_second=1, clock=Clock())
    rate.filter(record("a"))

    assert rate.filter(record("b"))
    assert rate.filter(record("a", name="websockets.server"))
    assert not rate.filter(record("a"))


def test_kinds_without_end_share_one_rate_and_no_more_memory() -> None:
    rate = RateFilter(per_second=1, clock=Clock())

    passed = sum(rate.filter(record(f"client {n}")) for n in range(10_000))

    assert passed == MOST_KINDS + 1


@pytest.mark.parametrize("name", ["arqonbus", "arqonbus.routing"])
def test_our_own_events_pass_at_any_rate(name: str) -> None:
    rate = RateFilter(per_second=1, clock=Clock())

    assert all(rate.filter(record(name=name)) for _ in range(100))


def test_a_logger_whose_name_only_begins_like_ours_is_not_ours() -> None:
    rate = RateFilter(per_second=1, clock=Clock())

    assert [rate.filter(record(name="arqonbus_plugin")) for _ in range(2)] == [True, False]


def test_a_stream_without_a_descriptor_is_written_as_text() -> None:
    stream = io.StringIO()

    writer_of(stream)("é\n".encode())

    assert stream.getvalue() == "é\n"


def test_a_descriptor_that_does_not_block_gets_every_byte() -> None:
    """A parent may have made the pipe non-blocking; a full pipe is then an error that we wait out."""
    read_fd, write_fd = os.pipe()
    os.set_blocking(write_fd, False)
    data = b"x" * 1_000_000
    received = bytearray()

    def read() -> None:
        while chunk := os.read(read_fd, 65536):
            received.extend(chunk)

    reader = threading.Thread(target=read)
    with os.fdopen(read_fd, "rb"):
        with os.fdopen(write_fd, "w") as stream:
            write = writer_of(stream)
            reader.start()
            write(data)
        reader.join(10)

    assert bytes(received) == data

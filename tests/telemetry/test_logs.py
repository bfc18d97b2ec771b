"""Events from ``get_log`` to a stream."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from arqonbus.telemetry.logs import Format, Level, LogHandle, LogLine, configure, get_log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Logs:
    """Logging set up on a stream in memory."""

    def __init__(self) -> None:
        self.handles: list[LogHandle] = []

    def start(self, level: Level = "info", format: Format = "json", stream: io.StringIO | None = None) -> io.StringIO:
        stream = io.StringIO() if stream is None else stream
        self.handles.append(configure(level, format, stream))
        return stream

    def lines(self, stream: io.StringIO) -> list[str]:
        assert self.handles[-1].flush(5)
        return stream.getvalue().splitlines()

    def events(self, stream: io.StringIO) -> list[str]:
        return [json.loads(line)["event"] for line in self.lines(stream)]


@pytest.fixture
def logs() -> Iterator[Logs]:
    made = Logs()
    yield made
    for handle in reversed(made.handles):
        handle.close()


def test_an_event_is_one_json_line(logs: Logs) -> None:
    stream = logs.start()

    get_log("transport").info("client_connected", client="c-1", remote="127.0.0.1:5")

    (line,) = logs.lines(stream)
    assert json.loads(line)["client"] == "c-1"
    assert json.loads(line)["remote"] == "127.0.0.1:5"
    assert json.loads(line)["logger"] == "arqonbus.transport"


def test_every_line_decodes_as_log_line(logs: Logs) -> None:
    stream = logs.start("debug")
    log = get_log("routing")

    log.debug("frame", n_bytes=3)
    log.info("channel_created", room="science", channel="explore", client="c-1")
    log.warning("client_refused", client="c-1", command="history", error="forbidden")
    log.error("turn_failed", error=RuntimeError("bug\nwith lines"))
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <Task>")
    logging.getLogger("websockets.server").info("connection open")
    logging.getLogger("other").warning("careful")

    decoded = [msgspec.json.decode(line, type=LogLine) for line in logs.lines(stream)]
    assert [line.level for line in decoded] == ["debug", "info", "warning", "error", "error", "info", "warning"]
    assert [line.error for line in decoded][2:4] == ["forbidden", "RuntimeError: bug\nwith lines"]


def test_a_log_of_a_package_may_be_named_in_full(logs: Logs) -> None:
    stream = logs.start()

    get_log("arqonbus.storage").info("a")
    get_log("arqonbus").info("b")

    assert [json.loads(line)["logger"] for line in logs.lines(stream)] == ["arqonbus.storage", "arqonbus"]


@pytest.mark.parametrize(
    ("level", "events"),
    [
        ("debug", ["d", "i", "w", "e"]),
        ("info", ["i", "w", "e"]),
        ("warning", ["w", "e"]),
        ("error", ["e"]),
    ],
)
def test_only_the_level_and_above_is_logged(logs: Logs, level: Level, events: list[str]) -> None:
    stream = logs.start(level)
    log = get_log("x")

    log.debug("d")
    log.info("i")
    log.warning("w")
    log.error("e")

    assert logs.events(stream) == events
    assert log.is_debug is (level == "debug")


def test_the_level_can_be_changed_while_it_runs_and_is_put_back_at_the_end(logs: Logs) -> None:
    before = logging.getLogger("arqonbus").level
    stream = logs.start("warning")
    log = get_log("x")

    log.info("too_early")
    logs.handles[0].set_level("debug")
    log.debug("now")

    assert logs.events(stream) == ["now"]
    logs.handles[0].close()
    assert logging.getLogger("arqonbus").level == before


def test_what_is_not_logged_is_not_even_looked_at(logs: Logs) -> None:
    stream = logs.start("info")

    class Costly:
        def __str__(self) -> str:
            raise AssertionError("was formatted")

    get_log("x").debug("frame", said=Costly())

    assert logs.lines(stream) == []


def test_the_debug_lines_of_websockets_and_asyncio_are_never_logged(logs: Logs) -> None:
    """websockets logs every frame with its payload at debug."""
    stream = logs.start("debug")

    logging.getLogger("websockets.server").debug("< TEXT 'secret'")
    logging.getLogger("asyncio").debug("Using selector")

    assert logs.lines(stream) == []


def test_a_flood_of_a_library_is_cut_and_counted(logs: Logs) -> None:
    stream = logs.start()

    for _ in range(5000):
        logging.getLogger("asyncio").warning("socket.send() raised exception.")

    n_lines = len(logs.lines(stream))
    assert 10 <= n_lines <= 40
    assert logs.handles[0].statistics().suppressed == 5000 - n_lines


def test_auto_is_json_when_the_stream_is_no_terminal(logs: Logs) -> None:
    stream = logs.start(format="auto")

    get_log("x").info("started")

    assert logs.events(stream) == ["started"]


def test_auto_is_text_with_colours_on_a_terminal(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = logs.start(format="auto", stream=Terminal())

    get_log("x").info("started", port=9100)

    (line,) = logs.lines(stream)
    assert line.endswith("\x1b[32minfo   \x1b[0m started port=9100")


def test_no_color_takes_the_colours_away(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = logs.start(format="text", stream=Terminal())

    get_log("x").info("started")

    assert "\x1b" not in logs.lines(stream)[0]


def test_text_on_something_else_than_a_terminal_has_no_colours(logs: Logs) -> None:
    stream = logs.start(format="text")

    get_log("x").info("started")

    assert "\x1b" not in logs.lines(stream)[0]


def test_closing_flushes_and_puts_the_loggers_back() -> None:
    root = logging.getLogger()
    before = (list(root.handlers), logging.getLogger("arqonbus").level, logging.getLogger("websockets").level)
    stream = io.StringIO()
    handle = configure("debug", "json", stream)
    get_log("x").info("last_words")

    assert handle.close()
    assert handle.close()

    assert json.loads(stream.getvalue())["event"] == "last_words"
    assert (list(root.handlers), logging.getLogger("arqonbus").level, logging.getLogger("websockets").level) == before


def test_lines_are_counted(logs: Logs) -> None:
    stream = logs.start()

    get_log("x").info("one")
    get_log("x").info("two")
    logs.lines(stream)

    counts = logs.handles[0].statistics()
    assert (counts.written, counts.dropped, counts.suppressed, counts.failed) == (2, 0, 0, 0)


BLOCKED = """
import sys, time
from arqonbus.telemetry.logs import configure, get_log
handle = configure("info", "json", sys.stderr)
log = get_log("x")
start = time.perf_counter()
for n in range(50_000):
    log.info("event", n=n, said="x" * 100)
took = time.perf_counter() - start
flushed = handle.close(0.2)
counts = handle.statistics()
print(took, flushed, counts.written, counts.dropped)
"""


@pytest.mark.integration
def test_a_pipe_that_nobody_reads_blocks_neither_the_server_nor_its_exit() -> None:
    read_fd, write_fd = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", BLOCKED], stdout=subprocess.PIPE, stderr=write_fd, timeout=30, text=True, check=False
        )
    finally:
        os.close(read_fd)
        os.close(write_fd)

    took, flushed, written, dropped = done.stdout.split()
    assert done.returncode == 0
    assert float(took) < 10
    assert flushed == "False"
    assert int(dropped) > 10_000
    assert int(written) + int(dropped) < 50_000

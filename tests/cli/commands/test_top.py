"""`arqonbus top` at a real server: as text, for programs, and on the screen of a pseudo-terminal."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from arqonbus.cli.top.screen import ENTER, LEAVE
from tests.cli.conftest import Call
from tests.specs.bus import Bus, environment

pytestmark = pytest.mark.integration
LIMIT_S = 15.0


def test_one_look_is_text(at_server: Bus, call: Call) -> None:
    assert call("pub", "top:explore", "1").code == 0
    called = call("top", "--once", "--every", "0.05", "--sort", "name")

    lines = called.out.splitlines()
    assert called.code == 0
    assert lines[0].startswith("arqonbus ") and "store memory ok" in lines[0]
    assert any(re.match(r"top:explore +[\d.]+ +0 +1 +0 +user$", line) for line in lines)
    assert "\x1b" not in called.out


def test_one_look_is_one_object_for_programs(at_server: Bus, call: Call) -> None:
    (line,) = call("top", "--once", "--every", "0.05", "--json").out.splitlines()

    record = json.loads(line)
    assert (record["type"], record["source"], record["backend"]) == ("top", "status", "memory")
    assert record["connections"] >= 1


def test_a_pipe_gets_one_look_after_another_until_its_reader_has_gone(at_server: Bus) -> None:
    command = f"{sys.executable} -m arqonbus top --every 0.05 --json | head -n 3"
    env = environment({"ARQONBUS_URL": at_server.url})
    done = subprocess.run(
        ["bash", "-c", command], env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )

    assert [json.loads(line)["type"] for line in done.stdout.splitlines()] == ["top"] * 3
    assert done.stderr == ""


class Screen:
    """A process on a pseudo-terminal of its own."""

    def __init__(self, url: str, columns: int = 90, rows: int = 12) -> None:
        self.number, theirs = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(theirs)
        self.theirs = theirs
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "arqonbus", "top", "--every", "0.1"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment({"ARQONBUS_URL": url, "TERM": "xterm", "NO_COLOR": ""}),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.number, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: bytes) -> None:
        os.write(self.number, keys)

    def until(self, words: str) -> str:
        """Read until these words were shown since the last call; gives what was."""
        end = time.monotonic() + LIMIT_S
        while words not in self.seen:
            assert time.monotonic() < end, f"{words!r} was not shown: {self.seen[-2000:]!r}"
            self._read(0.1)
        shown, self.seen = self.seen, ""
        return shown

    def ended(self) -> tuple[int, str]:
        """Wait for the end; gives the exit code and what was shown until then."""
        end = time.monotonic() + LIMIT_S
        while self.process.poll() is None:
            assert time.monotonic() < end, "it did not end"
            self._read(0.05)
        self._read(0.05)
        return self.process.returncode, self.seen

    def _read(self, limit_s: float) -> None:
        if select.select([self.number], [], [], limit_s)[0]:
            self.seen += os.read(self.number, 65_536).decode("utf-8", "replace")


@pytest.fixture
def screen(server: Bus) -> Iterator[Screen]:
    made = Screen(server.url)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()
    os.close(made.number)
    os.close(made.theirs)


def test_it_draws_sorts_follows_the_size_and_quits(screen: Screen) -> None:
    shown = screen.until("CHANNEL")
    assert shown.startswith(ENTER)
    screen.until("sort rate   q quits, s sorts")

    screen.press(b"s")
    screen.until("sort members")
    screen.resize(40, 6)
    narrow = screen.until("EVENTS/S  MEMBERS\x1b[0m")
    last = narrow.rsplit("\x1b[H", 1)[1]
    assert max(len(re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", line)) for line in last.splitlines()) <= 40

    screen.press(b"q")
    code, rest = screen.ended()
    assert code == 0
    assert rest.endswith(LEAVE)
    assert termios.tcgetattr(screen.theirs) == screen.before


@pytest.mark.parametrize("end", [b"\x03", signal.SIGTERM])
def test_ctrl_c_and_sigterm_give_the_terminal_back(end: bytes | signal.Signals, screen: Screen) -> None:
    screen.until("CHANNEL")
    assert termios.tcgetattr(screen.theirs) != screen.before
    if isinstance(end, bytes):
        screen.press(end)
    else:
        screen.process.send_signal(end)
    code, rest = screen.ended()

    assert (code, rest.endswith(LEAVE), "Traceback" in rest) == (0, True, False)
    assert termios.tcgetattr(screen.theirs) == screen.before


def test_a_server_that_goes_is_told_beside_the_last_figures(tmp_path: Path) -> None:
    bus = Bus(tmp_path).start()
    one = Screen(bus.url)
    try:
        one.until("q quits")
        bus.kill()
        assert "connections 1" in one.until("reconnecting")
        one.press(b"q")
        assert one.ended()[0] == 0
    finally:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        os.close(one.number)
        os.close(one.theirs)
        bus.stop()


def test_no_server_is_told_on_the_usual_screen() -> None:
    one = Screen("ws://127.0.0.1:9/")
    code, shown = one.ended()
    os.close(one.number)
    os.close(one.theirs)

    assert (code, ENTER in shown) == (3, False)
    assert "cannot connect" in shown


def test_an_unknown_order_is_wrong_usage(call: Call) -> None:
    assert call("top", "--sort", "beauty").code == 2

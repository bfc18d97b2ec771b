"""The README is true: its commands are those of the gate, its example runs, its links lead somewhere."""

import asyncio
import io
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.specs.bus import Bus, environment

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
INSTALL_AND_TEST = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/pytest"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_test_command_stands_in_readme_and_testing_alike() -> None:
    assert f"$ {INSTALL_AND_TEST}\n" in README
    assert f"$ {INSTALL_AND_TEST}\n" in (ROOT / "docs" / "TESTING.md").read_text("utf-8")


def test_redis_is_installed_where_it_may_be_by_gate_readme_and_testing_alike() -> None:
    install = "$ command -v redis-server || (apt-get update -qq && apt-get install -y -qq redis-server)\n"

    assert install in README
    assert install in (ROOT / "docs" / "TESTING.md").read_text("utf-8")
    assert "missing+=(redis-server)" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_gate_installs_and_tests_as_the_readme_says() -> None:
    gate = (ROOT / ".ci" / "run").read_text("utf-8")

    assert "-e '.[dev]'" in gate
    assert re.search(r'^pytest "\$@"$', gate, re.MULTILINE)


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    bus = Bus(tmp_path)
    bus.start()
    yield bus
    bus.stop()


@pytest.mark.integration
async def test_the_python_example_runs(bus: Bus) -> None:
    (example,) = blocks("python")
    shown = io.StringIO()

    def run() -> None:
        code = compile(example.replace("ws://127.0.0.1:9100/", bus.url), "README.md", "exec")
        with redirect_stdout(shown):
            exec(code, {})

    await asyncio.to_thread(run)

    assert shown.getvalue() == "1 {'n': 1}\n"


class Terminal:
    """A terminal in which a command of the README runs."""

    def __init__(self, line: str, bus: Bus) -> None:
        self._end, theirs = pty.openpty()
        words = shlex.split(line.removeprefix("$ .venv/bin/arqonbus "))
        env = environment({"ARQONBUS_URL": bus.url, "NO_COLOR": "1", "TERM": "xterm"})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "arqonbus", *words], stdin=theirs, stdout=theirs, stderr=theirs, env=env
        )
        os.close(theirs)

    def lines(self, n: int) -> list[str]:
        """Read so many lines, with every time of day as the README's."""
        text = ""
        while text.count("\n") < n:
            text += os.read(self._end, 4096).decode()
        return re.sub(r"\d\d:\d\d:\d\d", "23:00:07", text).splitlines()

    def interrupt(self) -> int:
        """Press Ctrl-C, and give the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end, and give the exit code."""
        code = self.process.wait(10)
        os.close(self._end)
        return code


@pytest.mark.integration
def test_the_two_terminals_talk_as_the_readme_shows(bus: Bus) -> None:
    shown = [block.splitlines() for block in blocks("console")]
    (sub, *reading), (pub, *published), message, (again, history) = shown[1:5]

    reader = Terminal(sub, bus)
    assert reader.lines(len(reading)) == reading
    writer = Terminal(pub, bus)
    assert writer.lines(len(published)) == published
    assert reader.lines(len(message)) == message
    later = Terminal(again, bus)
    assert later.lines(2)[0] == message[0]
    program = Terminal(history, bus)
    assert '"seq":1' in program.lines(1)[0]

    assert (writer.ended(), program.ended()) == (0, 0)
    assert (reader.interrupt(), later.interrupt()) == (0, 0)

"""Calls of the command line: inside of the test, or as a process."""

import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO, Union

import msgspec
import pytest

from arqonbus.cli import main
from arqonbus.cli.kit.records import RECORDS
from tests.specs.bus import Bus, environment


class Called(NamedTuple):
    """What became of a call."""

    code: int
    out: str
    err: str


Call = Callable[..., Called]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the variables of whoever runs the tests away, and what a call may leave behind."""
    for name in [name for name in os.environ if name.startswith("ARQONBUS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("FORCE_COLOR", "")
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Call the command line inside of the test: no process, the same code."""

    def call(*argv: str) -> Called:
        capsys.readouterr()
        try:
            code = main(argv)
        except SystemExit as exited:
            code = int(exited.code or 0)
        return Called(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A server with the defaults, for all tests of the command line; each test has channels of its own."""
    bus = Bus(tmp_path_factory.mktemp("cli-bus"))
    bus.start()
    yield bus
    bus.stop()


@pytest.fixture
def at_server(server: Bus, monkeypatch: pytest.MonkeyPatch) -> Bus:
    """The same, found by every call of this test and by its processes."""
    monkeypatch.setenv("ARQONBUS_URL", server.url)
    return server


@pytest.fixture(scope="session")
def locked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A server that lets in nobody but alice."""
    bus = Bus(tmp_path_factory.mktemp("cli-locked"), ['auth.keys.alice = "key-of-alice"'])
    bus.start()
    yield bus
    bus.stop()


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A configuration file with two mistakes."""
    path = tmp_path / "broken.toml"
    path.write_text("[server]\nport = 70000\nprot = 1\n")
    return str(path)


class Program:
    """The real program as a process, with pipes. Its stderr is read on the side."""

    def __init__(self, *argv: str, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.PIPE, **env: str) -> None:
        kept = {name: os.environ[name] for name in ("ARQONBUS_URL", "ARQONBUS_TOKEN") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "arqonbus", *argv],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=environment({**kept, **env}),
            text=True,
        )
        self.err = ""

    def says(self, words: str) -> None:
        """Wait until it says something on stderr."""
        assert self.process.stderr is not None
        while words not in self.err:
            line = self.process.stderr.readline()
            assert line, f"expected {words!r} on stderr, got {self.err!r} and the end"
            self.err += line

    def end(self, limit_s: float = 15.0) -> Called:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=limit_s)
        return Called(self.process.returncode, out or "", self.err + err)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> Called:
        """Send a signal, and wait for its end."""
        self.process.send_signal(number)
        return self.end()


@pytest.fixture
def start(at_server: Bus) -> Iterator[Callable[..., Program]]:
    """Start the program against the server; whatever still runs at the end of the test is ended."""
    started: list[Program] = []

    def start(*argv: str, **more: Any) -> Program:
        started.append(Program(*argv, **more))
        return started[-1]

    yield start
    for program in started:
        program.process.kill()
        program.process.communicate()


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Give calls inside of the test a standard input."""
    opened: list[TextIO] = []

    def give(text: str) -> None:
        path = tmp_path / "stdin"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        opened.append(path.open(encoding="utf-8"))
        monkeypatch.setattr(sys, "stdin", opened[-1])

    yield give
    for file in opened:
        file.close()


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """The name of a room that no other test has."""
    return f"r{zlib.crc32(request.node.nodeid.encode()):08x}"


def records(text: str) -> list[Any]:
    """Read the output of `--json` by its schema. Any: of every kind."""
    return [RECORD.decode(line) for line in text.splitlines()]


RECORD = msgspec.json.Decoder(Union[RECORDS])  # type: ignore[valid-type] # noqa: UP007 - a tuple of kinds, not a list in the source

"""Calls of the command line: inside of the test, or as a process."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from arqonbus.cli import main
from tests.specs.bus import Bus


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

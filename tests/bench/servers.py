"""The servers under test: each is started alone on one core, and stopped when its measurement is done."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from tests.bench.cases import Texts, bare_texts, bus_texts
from tests.bench.failure import BenchFailure

__all__ = ["Running", "Side", "bare_side", "bus_side", "cores", "pinned", "profiled", "started"]

_START_TIMEOUT_S = 15.0  # a cold import of everything takes about 1 s
_STOP_TIMEOUT_S = 30.0  # longer than the drain: a profile is written after it
_PAUSE_S = 0.02
_MOST_CONNECTIONS = 20000


class Side(msgspec.Struct, frozen=True):
    """One kind of server in a comparison: how it is started, and the texts that it understands."""

    name: str
    command: tuple[str, ...]
    """The word {port} is replaced by the port."""
    pythonpath: str
    texts: Texts


class Running(msgspec.Struct, frozen=True):
    """A server that accepts connections."""

    pid: int
    port: int


def bare_side() -> Side:
    """The yardstick, bare.py."""
    script = str(Path(__file__).with_name("bare.py"))
    return Side("bare", (sys.executable, script, "{port}"), "", bare_texts())


def bus_side(name: str, checkout: Path) -> Side:
    """The bus of a checkout of this project, called `name` in the tables.

    Raises: BenchFailure when the folder holds no arqonbus package.
    """
    if not (checkout / "arqonbus" / "__main__.py").is_file():
        raise BenchFailure(f"expected a checkout of the project, found no arqonbus/__main__.py in {checkout}")
    limit = f"limits.connections={_MOST_CONNECTIONS}"
    command = ("-m", "arqonbus", "run", "--port", "{port}", "--log-level", "warning", "--set", limit)
    return Side(name, (sys.executable, *command), str(checkout.resolve()), bus_texts())


def profiled(side: Side, output: Path) -> Side:
    """Return the side under cProfile, which writes its statistics to `output` when the server stops."""
    python, *rest = side.command
    return msgspec.structs.replace(side, command=(python, "-m", "cProfile", "-o", str(output), *rest))


def cores() -> tuple[int, int]:
    """Return the cores of the server and of the generator: the first two that this process may use.

    Raises: BenchFailure with fewer than two, since both would then measure each other.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchFailure("the benchmark needs two cores, one for the server and one for the load")
    return allowed[0], allowed[1]


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """Return the command that runs on that core alone. taskset ends in exec, so the process id is the command's.

    Raises: BenchFailure when there is no taskset.
    """
    taskset = shutil.which("taskset")
    if taskset is None:
        raise BenchFailure("taskset was not found: install util-linux")
    return [taskset, "-c", str(core), *command]


@contextmanager
def started(side: Side) -> Iterator[Running]:
    """Run the server of a side for the length of the block, on the first core, in an empty folder.

    Raises: BenchFailure when it does not accept connections in time; the message ends with what it printed.
    """
    port = _free_port()
    command = pinned(cores()[0], [part.replace("{port}", str(port)) for part in side.command])
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=folder, env=_environment(side), stdout=output, stderr=output)
        try:
            _wait_until_open(side, process, port, output)
            try:
                yield Running(process.pid, port)
            except BenchFailure as failure:
                raise BenchFailure(f"{failure}\n{side.name}{_told(output)}") from failure
            _check_alive(side, process, output)
        finally:
            _stop(process)


def _environment(side: Side) -> dict[str, str]:
    """Settings of the bus in the caller's environment would change what is measured: they are left out."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ARQONBUS_")}
    clean.pop("PYTHONPATH", None)
    return clean | {"PYTHONPATH": side.pythonpath} if side.pythonpath else clean


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_open(side: Side, process: subprocess.Popen[bytes], port: int, output: IO[str]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        _check_alive(side, process, output)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(_PAUSE_S)
    raise BenchFailure(f"{side.name} did not open port {port} within {_START_TIMEOUT_S:g} s{_told(output)}")


def _check_alive(side: Side, process: subprocess.Popen[bytes], output: IO[str]) -> None:
    if process.poll() is not None:
        raise BenchFailure(f"{side.name} ended with exit code {process.returncode}{_told(output)}")


def _told(output: IO[str]) -> str:
    output.seek(0)
    lines = output.read().splitlines()[-15:]
    return ", its last words:\n" + "\n".join(lines) if lines else ", without a word"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

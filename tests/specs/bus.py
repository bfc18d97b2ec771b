"""One `arqonbus run` process, started and stopped as an operator does it.

Everything here blocks; scenarios call it through asyncio.to_thread. A bus that printed a traceback, or had to be
killed, or logged an error that no step expected, fails the test that owns it, whatever that test was about.
"""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.specs.spec_loader import ROOT

START_LIMIT_S = 15.0
STOP_LIMIT_S = 15.0
POLL_S = 0.02
ANY_CERTIFICATE = ssl._create_unverified_context
"""Scenarios about TLS ask whether the bus speaks it; they do not judge a certificate made a second ago."""


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The environment of a bus: ours without settings that would leak in, plus `extra`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ARQONBUS_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(extra or {})}


@dataclass
class Bus:
    """A running bus. `settings` are lines of TOML with dotted keys, such as `server.heartbeat_s = 1`."""

    folder: Path
    settings: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    unix_path: str | None = None
    tls: bool = False
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    module: str = "arqonbus"
    """What is run: the bus, or one with faults planted on purpose."""
    expected_errors: list[str] = field(default_factory=list)
    """Words of the error lines that a scenario wants in the log."""

    @property
    def host(self) -> str:
        """Host and port as a Host header has them."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"{'wss' if self.tls else 'ws'}://{self.host}"

    @property
    def config(self) -> Path:
        """The config file that holds `settings`."""
        return self.folder / "bus.toml"

    @property
    def errors(self) -> Path:
        """File that takes standard error."""
        return self.folder / "stderr.txt"

    @property
    def output(self) -> Path:
        """File that takes standard output."""
        return self.folder / "stdout.txt"

    def start(self) -> "Bus":
        """Start the process and wait until it accepts work.

        Raises:
            AssertionError: it ended, or was not ready within START_LIMIT_S.
        """
        self.config.write_text("\n".join(self.settings) + "\n", "utf-8")
        command = [sys.executable, "-m", self.module, "run", "--config", str(self.config), "--port", str(self.port)]
        with self.output.open("wb") as out, self.errors.open("wb") as err:
            self.process = subprocess.Popen(
                [*command, *self.arguments], stdout=out, stderr=err, cwd=self.folder, env=environment(self.variables)
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            self.process = None
            raise
        return self

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, limit_s: float = STOP_LIMIT_S) -> int:
        """Wait for the end; returns the exit code, negative for a signal."""
        assert self.process is not None
        return self.process.wait(limit_s)

    def kill(self) -> None:
        """End the process without asking."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Ask the process to end, if it ever ran and still runs, and judge how it lived.

        Raises:
            AssertionError: it had to be killed, printed a traceback, or logged an error that nobody expected.
        """
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"the bus did not stop within {STOP_LIMIT_S} s of SIGTERM{self.story()}") from None
        assert "Traceback" not in self.story(), f"the bus printed a traceback{self.story()}"
        assert self._faults() == [], f"the bus logged errors{self.story()}"

    def story(self) -> str:
        """What it printed, for the message of a failed test."""
        texts = [path.read_text("utf-8", "replace") for path in (self.output, self.errors) if path.exists()]
        return "\n--- the bus said ---\n" + "".join(texts)[-8000:]

    def _faults(self) -> list[str]:
        lines = self.errors.read_text("utf-8", "replace").splitlines()
        errors = [line for line in lines if '"level":"error"' in line]
        return [line for line in errors if not any(words in line for words in self.expected_errors)]

    def _wait_until_ready(self) -> None:
        assert self.process is not None
        until = time.monotonic() + START_LIMIT_S
        while time.monotonic() < until:
            assert self.process.poll() is None, f"the bus ended with {self.process.returncode}{self.story()}"
            if self._is_ready():
                return
            time.sleep(POLL_S)
        raise AssertionError(f"the bus was not ready within {START_LIMIT_S} s{self.story()}")

    def _is_ready(self) -> bool:
        if self.unix_path is not None:
            return _accepts(self.unix_path)
        # A client certificate may be asked for, so with TLS a listening port has to do.
        return _accepts(self.port) if self.tls else _says_ready(self.port)


def _accepts(place: str | int) -> bool:
    family, address = (socket.AF_UNIX, place) if isinstance(place, str) else (socket.AF_INET, ("127.0.0.1", place))
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def _says_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

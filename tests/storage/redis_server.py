"""Real Redis servers for tests: started on free ports with folders of their own; only these are ever ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

__all__ = ["LEAST_VERSION", "RedisServer", "free_port", "require_redis"]

LEAST_VERSION = (7, 0)
START_TIMEOUT_S = 10.0


def require_redis() -> str:
    """Give the path of redis-server; else skip with the reason, or fail where the gate runs."""
    path = shutil.which("redis-server")
    if path is None:
        reason = "REDIS IS NOT TESTED: no redis-server in the PATH; install it: apt-get install redis-server (>= 7.0)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    words = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.split()
    version = next(word.removeprefix("v=") for word in words if word.startswith("v="))
    if tuple(int(part) for part in version.split(".")[:2]) < LEAST_VERSION:
        reason = f"REDIS IS NOT TESTED: expected redis-server >= 7.0, got {version}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return path


def free_port() -> int:
    """Give a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """One redis-server. ``settings`` are command-line arguments, ``--name value``."""

    def __init__(self, folder: Path, *settings: str, port: int | None = None, sentinel: bool = False) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.settings = settings
        self._sentinel = sentinel
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> RedisServer:
        """Start it, or start it again with what it left in its folder."""
        command = [require_redis()]
        if self._sentinel:
            command += [str(self.folder / "sentinel.conf"), "--sentinel"]
        command += ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        if not self._sentinel:
            command += ["--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"]
        else:
            command = command[: command.index("--save")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*command, *self.settings], stdout=log, stderr=log)
        self.wait()
        return self

    def wait(self) -> None:
        """Wait until it answers."""
        ends_at = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                with self.client() as client:
                    client.ping()
                    return
            except redis.exceptions.AuthenticationError:
                return
            except redis.exceptions.RedisError:
                log = (self.folder / "log").read_text("utf-8", "replace")
                assert time.monotonic() < ends_at, f"redis-server did not start:\n{log[-2000:]}"
                assert self._process is not None and self._process.poll() is None, f"redis-server ended:\n{log[-2000:]}"
                time.sleep(0.02)

    def client(self) -> redis.Redis:
        """Give a plain client to look and to meddle with."""
        return redis.Redis(
            port=self.port,
            socket_timeout=20.0,
            retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
            decode_responses=True,
            protocol=2,
        )

    def do(self, *args: str | int | bytes) -> object:
        """Run one command."""
        with self.client() as client:
            return client.execute_command(*args)

    def info(self, section: str) -> dict[str, str]:
        """Give a section of INFO."""
        with self.client() as client:
            return dict(client.info(section))

    def pause(self) -> None:
        """Let it hang, as a machine without CPU does."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut does. Idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> RedisServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


@contextlib.contextmanager
def running(folder: Path, *settings: str) -> Iterator[RedisServer]:
    """Run one for the length of a block."""
    with RedisServer(folder, *settings) as server:
        yield server

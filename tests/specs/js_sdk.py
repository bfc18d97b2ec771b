"""The TypeScript SDK for tests in Python: installed, built, and driven in Node, one process for each client."""

import asyncio
import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn, Self

import pytest

from tests.specs.spec_loader import ROOT

SDK = ROOT / "sdk" / "js"
DRIVER = Path(__file__).with_name("js_sdk_driver.mjs")
INSTALL_LIMIT_S = 240.0
BUILD_LIMIT_S = 60.0
ANSWER_LIMIT_S = 15.0


def command(name: str) -> str:
    """Where a command of Node is; without it the test is skipped, or fails where CI is set."""
    found = shutil.which(name)
    return found if found is not None else _go_without(f"{name} is not installed")


def install() -> None:
    """Install what the lock file names, unless it is there. npm keeps a copy of what it installed."""
    installed = SDK / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (SDK / "package-lock.json").stat().st_mtime:
        npm = command("npm")
        try:
            run([npm, "ci", "--prefer-offline", "--no-audit", "--no-fund"], INSTALL_LIMIT_S)
        except AssertionError as error:
            _go_without(f"npm ci failed: {str(error)[-500:]}")


def build() -> None:
    """Build dist/, unless it is newer than every source."""
    install()
    built = SDK / "dist" / "arqonbus.min.js"
    newest = max(path.stat().st_mtime for path in (SDK / "src").glob("*.ts"))
    if not built.exists() or built.stat().st_mtime < newest:
        run([command("npm"), "run", "build"], BUILD_LIMIT_S)


def run(arguments: list[str], limit_s: float, **variables: str) -> str:
    """Run a command in the folder of the SDK; what it printed. A failure shows the end of it."""
    done = subprocess.run(
        arguments,
        cwd=SDK,
        env={**os.environ, "NO_COLOR": "1", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit_s,
    )
    assert done.returncode == 0, done.stdout[-12_000:]
    return done.stdout


def _go_without(why: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"the TypeScript SDK must be tested in CI: {why}")
    pytest.skip(f"NOT RUN: the TypeScript SDK was not tested: {why}")


class JsClient:
    """One bus of the TypeScript SDK, in a Node of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, url: str, options: dict[str, Any]) -> Self:
        """Start the process and open its bus; it dials, and is not waited for."""
        await asyncio.to_thread(build)
        arguments = [command("node"), str(DRIVER), str(SDK), url, json.dumps(options)]
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe))

    async def ask(self, operation: str, **arguments: Any) -> Any:
        """Have something done and give its result, a refusal as {"error": name, "code": code}."""
        assert self._process.stdin is not None
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": number, "op": operation, **arguments}).encode() + b"\n")
        await self._process.stdin.drain()
        return await asyncio.wait_for(answer, ANSWER_LIMIT_S)

    async def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            answer = json.loads(line)
            self._answers.pop(answer["id"]).set_result(answer["result"])
        for waiting in self._answers.values():
            waiting.set_exception(ConnectionError("the Node process ended"))

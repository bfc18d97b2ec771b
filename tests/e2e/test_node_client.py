"""A client in Node, with the `ws` package, works against the bus.

It shares neither language nor code with the bus. Where Node or its package is not to be had the tests are skipped and
say so; with CI set they fail instead, so that a green run there always includes them.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.specs.bus import Bus

pytestmark = pytest.mark.integration

FOLDER = Path(__file__).parent / "node"
INSTALL_LIMIT_S = 120.0
RUN_LIMIT_S = 60.0


@pytest.fixture(scope="session")
def node() -> str:
    """The node command, with the package installed beside the client."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        _go_without("node and npm are not installed")
    if not (FOLDER / "node_modules" / "ws").is_dir():
        command = [npm, "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_LIMIT_S)
        if done.returncode != 0:
            _go_without(f"npm ci failed: {done.stderr[-500:]}")
    return node


def test_a_node_client_uses_all_of_an_open_bus(node: str, bus: Bus) -> None:
    """Welcome, join, publish, order, private, broadcast, history, errors, big payloads, close codes."""
    _run(node, bus, "open")


def test_a_node_client_uses_a_bus_with_keys_and_compression(node: str, strict_bus: Bus) -> None:
    """Key by header, by subprotocol and by command; a wrong one is told; messages are compressed both ways."""
    _run(node, strict_bus, "strict")


def test_a_node_client_is_drained(node: str, hasty_bus: Bus) -> None:
    """SIGTERM is seen as `draining` and close code 4000 by a client that knows nothing of signals."""
    client = subprocess.Popen(
        [node, "client.mjs", hasty_bus.url, "drain"],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with client:
        assert client.stdout is not None
        line = client.stdout.readline()
        assert line.strip() == "waiting", line + client.stdout.read()
        assert hasty_bus.process is not None
        hasty_bus.process.terminate()
        output = client.stdout.read()
        assert client.wait(RUN_LIMIT_S) == 0, output
    assert hasty_bus.wait() == 0


def _run(node: str, bus: Bus, what: str) -> None:
    command = [node, "client.mjs", bus.url, what]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=RUN_LIMIT_S)
    assert done.returncode == 0, done.stdout + done.stderr + bus.story()
    assert done.stdout.endswith("all done\n"), done.stdout


def _go_without(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"the independent Node client must run in CI: {why}")
    pytest.skip(f"NOT RUN: the independent Node client did not test this bus: {why}")

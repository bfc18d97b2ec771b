"""Steps about the process: started with settings, asked over HTTP, sent signals, called from the command line."""

import asyncio
import json
import os
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.specs.bus import environment
from tests.specs.step_registry import step
from tests.specs.world import World

_CALL_LIMIT_S = 20.0
_POLL_S = 0.05


@step("a bus of its own")
async def bus_of_its_own(world: World) -> None:
    """Start a bus with the defaults."""
    await world.start_bus([])


@step("a bus with settings:")
async def bus_with_settings(world: World, table: list[list[str]]) -> None:
    """Start a bus with a config file that holds these keys."""
    await world.start_bus(_lines(table))


@step("a bus with arguments {string}")
async def bus_with_arguments(world: World, arguments: str) -> None:
    """Start a bus with flags, in the environment of the scenario."""
    await world.start_bus([], arguments=shlex.split(arguments), variables=world.facts.get("environment", {}))


@step("a bus on a Unix socket")
async def bus_on_unix_socket(world: World) -> None:
    """Start a bus that listens on a Unix socket."""
    await bus_on_unix_socket_with_settings(world, [])


@step("a bus on a Unix socket with settings:")
async def bus_on_unix_socket_with_settings(world: World, table: list[list[str]]) -> None:
    """Start a bus that listens on a Unix socket, with settings."""
    path = str(world.folder / "bus.sock")
    await world.start_bus([*_lines(table), f'server.unix_socket = "{path}"'], unix_path=path)


@step("a bus with TLS")
async def bus_with_tls(world: World) -> None:
    """Start a bus with a certificate made for it."""
    certificate, key = await asyncio.to_thread(_make_certificate, world.folder)
    await world.start_bus([f'server.tls_cert = "{certificate}"', f'server.tls_key = "{key}"'], tls=True)


@step("a bus with TLS that asks for client certificates")
async def bus_with_client_tls(world: World) -> None:
    """Start a bus whose client CA is the certificate itself."""
    certificate, key = await asyncio.to_thread(_make_certificate, world.folder)
    settings = [f'server.tls_cert = "{certificate}"', f'server.tls_key = "{key}"']
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    context.load_cert_chain(certificate, key)
    world.facts["client tls"] = context
    await world.start_bus([*settings, f'server.tls_client_ca = "{certificate}"'], tls=True)


@step("the settings become:")
async def settings_become(world: World, table: list[list[str]]) -> None:
    """Rewrite the config file; the bus does not know yet."""
    world.bus.config.write_text("\n".join(_lines(table)) + "\n", "utf-8")


@step("the bus is sent {word}")
async def bus_is_sent(world: World, name: str) -> None:
    """Send a signal to the process."""
    world.bus.signal(signal.Signals[name])


@step("the bus exits with {int} within {int} s")
async def bus_exits_with(world: World, code: int, limit_s: int) -> None:
    """The process ends in time with this exit code."""
    got = await asyncio.to_thread(world.bus.wait, limit_s)
    assert got == code, f"expected exit code {code}, came {got}{world.bus.story()}"


@step("the bus exits within {int} s")
async def bus_exits(world: World, limit_s: int) -> None:
    """The process ends in time."""
    await asyncio.to_thread(world.bus.wait, limit_s)


@step("the log says {string} soon")
async def log_says(world: World, words: str) -> None:
    """The words stand in what the bus printed, as an error or not."""
    world.bus.expected_errors.append(words)
    for _ in range(100):
        if words in world.bus.story():
            return
        await asyncio.sleep(_POLL_S)
    raise AssertionError(f"expected {words!r} in the log{world.bus.story()}")


@step("the log never says {string}")
async def log_never_says(world: World, words: str) -> None:
    """The words stand nowhere in what the bus printed."""
    assert words not in world.bus.story()


@step("every line of the log is JSON with the keys {string}")
async def log_is_json(world: World, keys: str) -> None:
    """Each line is one object that has all the keys, null where they do not apply."""
    lines = world.bus.errors.read_text("utf-8").splitlines()
    wanted = set(keys.split(", "))
    assert lines
    assert [line for line in lines if not wanted <= json.loads(line).keys()] == []


@step("the log is empty")
async def log_is_empty(world: World) -> None:
    """Nothing was worth a line."""
    text = world.bus.errors.read_text("utf-8")
    assert text == "", text


@step("{string} is asked over HTTP")
async def is_asked_over_http(world: World, path: str) -> None:
    """Ask the bus without WebSocket."""
    world.facts["http"] = await _get(world, path)


@step("the HTTP answer is {int} with JSON")
async def http_answer_is(world: World, status: int) -> None:
    """The status, and a body that is a JSON object."""
    got, body = world.facts["http"]
    assert got == status and isinstance(json.loads(body), dict), f"expected {status}, came {got} {body!r}"


@step("{string} is answered with {int} over HTTP saying {string}")
async def is_answered_over_http(world: World, path: str, status: int, words: str) -> None:
    """Ask, and judge the status and the words of the body."""
    got, body = await _get(world, path)
    assert got == status and words in body.decode(), f"expected {status} and {words!r}, came {got} {body!r}"


@step("the port of a running bus as {string}")
async def port_of_a_running_bus(world: World, name: str) -> None:
    """Keep the port of the bus for `(name)` in later steps."""
    world.facts[f"({name})"] = str((await world.running_bus()).port)


@step("the file {string}:")
async def the_file(world: World, name: str, text: str) -> None:
    """Write a file into the folder of the scenario."""
    (world.folder / name).write_text(text + "\n", "utf-8")


@step("the environment has {string}")
async def environment_has(world: World, assignment: str) -> None:
    """Set a variable, or none where the text is empty."""
    name, _, value = assignment.partition("=")
    if name:
        world.facts.setdefault("environment", {})[name] = value


@step("arqonbus is called with {string}")
async def arqonbus_is_called(world: World, arguments: str) -> None:
    """Run the command to its end in the folder of the scenario."""
    world.facts["call"] = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "arqonbus", *shlex.split(arguments)],
        capture_output=True,
        cwd=world.folder,
        env=environment(world.facts.get("environment")),
        text=True,
        timeout=_CALL_LIMIT_S,
    )


@step("it exits with {int}")
async def it_exits_with(world: World, code: int) -> None:
    """The exit code of the call."""
    call = world.facts["call"]
    assert call.returncode == code, f"expected exit code {code}, came {call.returncode}: {call.stdout}{call.stderr}"


@step("it says one line with {string} and no traceback")
async def it_says_one_line(world: World, words: str) -> None:
    """Standard error has one line, with the words in it."""
    call = world.facts["call"]
    lines = call.stderr.splitlines()
    assert len(lines) == 1 and words in lines[0], f"expected one line with {words!r}, came {call.stdout}{call.stderr}"


@step("its output has a line with {string}, {string} and {string}")
async def output_has_line(world: World, *words: str) -> None:
    """One line of standard output has all the words."""
    _assert_line(world.facts["call"].stdout, words)


@step("its errors have a line with {string}, {string} and {string}")
async def errors_have_line(world: World, *words: str) -> None:
    """One line of standard error has all the words."""
    _assert_line(world.facts["call"].stderr, words)


@step("nothing that it says holds {string}")
async def says_nothing_with(world: World, words: str) -> None:
    """Neither output nor errors have the words."""
    call = world.facts["call"]
    assert words not in call.stdout + call.stderr, call.stdout + call.stderr


def _assert_line(text: str, words: tuple[str, ...]) -> None:
    found = [line for line in text.splitlines() if all(word in line for word in words)]
    assert found, f"expected a line with {words}, came:\n{text}"


def _lines(table: list[list[str]]) -> list[str]:
    return [f"{key} = {value}" for key, value in table]


async def _get(world: World, path: str) -> tuple[int, bytes]:
    bus = await world.running_bus()
    reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {bus.host}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        return int(head.split()[1]), body
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


def _make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    tool = shutil.which("openssl")
    if tool is None:
        assert "CI" not in os.environ, "openssl is needed for scenarios about TLS and is not here"
        pytest.skip("NOT RUN: scenarios about TLS need the openssl command")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    options = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    command = [tool, *options.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key

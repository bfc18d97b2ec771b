"""Steps about the command line: terminals that run it, side by side with calls that come to their end."""

import asyncio
import contextlib
import json
import shlex
import signal
import sys
from asyncio.subprocess import PIPE, Process

from arqonbus.testing.chaos import ChaosProxy
from tests.specs.bus import environment
from tests.specs.step_registry import step
from tests.specs.world import World

_LIMIT_S = 15.0


@step("the command line knows the bus")
async def knows_the_bus(world: World) -> None:
    """Put its address into the environment of every call."""
    bus = await world.running_bus()
    world.facts.setdefault("environment", {})["ARQONBUS_URL"] = bus.url


@step("the command line knows the bus through a proxy")
async def knows_the_proxy(world: World) -> None:
    """Put a proxy between."""
    bus = await world.running_bus()
    proxy = await world.stack.enter_async_context(ChaosProxy("127.0.0.1", bus.port, seed=1))
    world.facts["proxy"] = proxy
    world.facts.setdefault("environment", {})["ARQONBUS_URL"] = proxy.url


@step("the proxy cuts all links")
async def cuts_all_links(world: World) -> None:
    """Break every connection that goes through it."""
    world.facts["proxy"].cut()


@step("terminal {string} runs {string}")
async def terminal_runs(world: World, name: str, arguments: str) -> None:
    """Start the program, and wait until it reads or answers a channel."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "arqonbus",
        *shlex.split(arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(world.facts.get("environment")),
    )
    world.facts.setdefault("terminals", {})[name] = process
    world.stack.push_async_callback(_end, process)
    assert "; Ctrl-C ends" in await _line(process.stderr)


@step("terminal {string} prints {string}")
async def terminal_prints(world: World, name: str, text: str) -> None:
    """Its next line is this one."""
    line = await _line(_terminal(world, name).stdout)
    assert line == text, f"expected {text!r}, came {line!r}"


@step("terminal {string} says {string}")
async def terminal_says(world: World, name: str, words: str) -> None:
    """A line on its standard error has the words."""
    while words not in await _line(_terminal(world, name).stderr):
        pass


@step("terminal {string} is interrupted")
async def is_interrupted(world: World, name: str) -> None:
    """Press Ctrl-C."""
    _terminal(world, name).send_signal(signal.SIGINT)


@step("terminal {string} exits with {int}")
async def terminal_exits_with(world: World, name: str, code: int) -> None:
    """It ends, and says no traceback."""
    process = _terminal(world, name)
    _, err = await asyncio.wait_for(process.communicate(), _LIMIT_S)
    assert process.returncode == code, f"expected {code}, came {process.returncode}: {err.decode()}"
    assert b"Traceback" not in err


@step("its output is {string}")
async def its_output_is(world: World, text: str) -> None:
    """All lines of standard output, with ` | ` between them here."""
    lines = world.facts["call"].stdout.splitlines()
    assert " | ".join(lines) == text, f"expected {text!r}, came {lines}"


@step("every line of its output is JSON of the type {string}")
async def every_line_is_json(world: World, kind: str) -> None:
    """Each line is one object with its type and the version of that."""
    lines = world.facts["call"].stdout.splitlines()
    assert lines
    assert [line for line in lines if not {("type", kind), ("v", 1)} <= _plain(line)] == []


@step("its errors end with a hint of {string}")
async def errors_end_with_a_hint(world: World, words: str) -> None:
    """The last line on standard error says what to do."""
    last = world.facts["call"].stderr.splitlines()[-1]
    assert last.startswith("hint: ") and words in last, last


def _terminal(world: World, name: str) -> Process:
    process: Process = world.facts["terminals"][name]
    return process


def _plain(line: str) -> set[tuple[str, object]]:
    return {(key, value) for key, value in json.loads(line).items() if isinstance(value, str | int)}


async def _line(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    line = await asyncio.wait_for(stream.readline(), _LIMIT_S)
    assert line, "expected a line, came the end"
    return line.decode().removesuffix("\n")


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.communicate()

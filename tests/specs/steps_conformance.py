"""Steps of the conformance suite: the command in a process of its own, and a link that breaks frames before the bus."""

import asyncio
import itertools
import json
import shlex
import sys
from typing import Any

from tests.specs.bus import environment, free_port
from tests.specs.matching import matches
from tests.specs.step_registry import step
from tests.specs.world import World
from tests.testing.conformance.broken_link import BrokenLink, Fault

_LIMIT_S = 50.0


@step("the suite is played against the bus with {string}")
async def is_played(world: World, arguments: str) -> None:
    """Run the command to its end."""
    await _play(world, (await world.running_bus()).url, arguments)


@step("the suite is played against nothing")
async def is_played_against_nothing(world: World) -> None:
    """Run it where nobody listens."""
    await _play(world, f"ws://127.0.0.1:{free_port()}", "")


@step("the suite is played against nothing with {string}")
async def is_played_against_nothing_with(world: World, arguments: str) -> None:
    """The same, with arguments."""
    await _play(world, f"ws://127.0.0.1:{free_port()}", arguments)


@step("the suite is played against the bus behind a link that changes private messages with {string}")
async def is_played_behind_a_link(world: World, arguments: str) -> None:
    """Every second private message has another payload."""
    bus = await world.running_bus()
    async with BrokenLink(bus.url, _changed) as link:
        await _play(world, link.url, arguments)


@step("the suite ends with {int}")
async def ends_with(world: World, code: int) -> None:
    """By this exit code."""
    assert world.facts["suite"][0] == code, world.facts["suite"]


@step("the suite says {string}")
async def says(world: World, words: str) -> None:
    """On either stream."""
    assert words in world.facts["suite"][1], world.facts["suite"]


@step("the report has {string}")
async def report_has(world: World, expected: str) -> None:
    """One of its lines is an object like this."""
    lines = [json.loads(line) for line in world.facts["suite"][1].splitlines()]
    assert any(matches(json.loads(expected), line, dict(world.names)) for line in lines), lines


async def _play(world: World, url: str, arguments: str) -> None:
    command = [sys.executable, "-m", "arqonbus", "conformance", url, *shlex.split(arguments)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdout=pipe, stderr=asyncio.subprocess.STDOUT, env=environment()
    )
    said, _ = await asyncio.wait_for(process.communicate(), _LIMIT_S)
    world.facts["suite"] = (process.returncode, said.decode())


def _changed() -> Fault:
    count = itertools.count()

    def of(frame: dict[str, Any]) -> list[dict[str, Any]]:
        is_it = frame["type"] == "private" and next(count) % 2 == 0
        return [{**frame, "payload": "changed"}] if is_it else [frame]

    return of

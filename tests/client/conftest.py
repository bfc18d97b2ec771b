"""A scripted server, and buses that talk to it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from arqonbus.client import Bus, connect
from tests.client.scripted import ScriptedServer
from tests.client.stage import Dice


@pytest.fixture
def server() -> ScriptedServer:
    """A server that a test writes the words of."""
    return ScriptedServer()


@pytest.fixture
async def make_bus(server: ScriptedServer) -> AsyncIterator[Callable[..., Bus]]:
    """Make buses for the scripted server; they are closed at the end. Delays are nought unless a test says so."""
    made: list[Bus] = []

    def make(**options: Any) -> Bus:
        options = {"dialler": server.dial, "random": Dice(0.0), **options}
        made.append(connect("ws://bus.test/", **options))
        return made[-1]

    yield make
    for bus in made:
        await bus.close(timeout_s=0)


@pytest.fixture
async def bus(make_bus: Callable[..., Bus]) -> Bus:
    """A bus that is open."""
    return await make_bus().open()

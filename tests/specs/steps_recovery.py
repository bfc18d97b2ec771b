"""Steps about coming back: what a client is shown again, and in what state it finds the bus."""

import asyncio
import json

from tests.specs.planted import FORBIDDEN, SAID
from tests.specs.step_registry import step
from tests.specs.steps_clients import _connected
from tests.specs.world import World

_SOON_S = 10.0
_POLL_S = 0.02


@step("a bus with faults planted")
async def bus_with_faults(world: World) -> None:
    """Start a bus that breaks where a name asks for it; what it logs of that is expected."""
    await bus_with_faults_and_settings(world, [])


@step("a bus with faults planted and settings:")
async def bus_with_faults_and_settings(world: World, table: list[list[str]]) -> None:
    """The same, with a config file that holds these keys."""
    settings = [f"{key} = {value}" for key, value in table]
    await world.start_bus(settings, module="tests.specs.planted", expected_errors=[SAID])


@step("the bus is restarted")
async def bus_is_restarted(world: World) -> None:
    """End the process as an operator does, and start it again with the same settings at the same place."""
    await asyncio.to_thread(world.bus.stop)
    await asyncio.to_thread(world.bus.start)


@step("user {string} may not subscribe to {string} any more")
async def may_not_subscribe(world: World, user: str, address: str) -> None:
    """Take a permission away; the gate looks each time that it is asked."""
    with (world.bus.folder / FORBIDDEN).open("a", encoding="utf-8") as file:
        file.write(f"{user} {address}\n")


@step("client {string} sees exactly the seqs {string} of {string}")
async def sees_exactly(world: World, name: str, seqs: str, address: str) -> None:
    """All events of a channel that ever came by this connection, in order: no hole, no repeat, none beyond."""
    wanted = json.loads(seqs)
    async with asyncio.timeout(_SOON_S):
        while len(_seqs(world, name, address)) < len(wanted):
            await asyncio.sleep(_POLL_S)
    await world.settle(name)
    assert _seqs(world, name, address) == wanted, f"expected {wanted}, came {_seqs(world, name, address)}"


@step("the history of {string} is empty soon")
async def history_is_empty(world: World, address: str) -> None:
    """All events have become too old."""
    await world.join_in("reader of what is kept")
    async with asyncio.timeout(_SOON_S):
        while (await world.succeed("reader of what is kept", "history", json.dumps({"room": address})))["messages"]:
            await asyncio.sleep(_POLL_S)


@step("the connection of client {string} is over")
async def connection_is_over(world: World, name: str) -> None:
    """Look again, after nothing was read for long: the bus has given the connection up by then."""
    client = _connected(world, name)
    client.connection.transport.resume_reading()
    client.read()
    await client.inbox.closed()


@step("the log tells of {string}")
async def log_tells_of(world: World, name: str) -> None:
    """A captured trace id stands in a line of the log that says what broke."""
    async with asyncio.timeout(_SOON_S):
        while not any(world.names[name] in line and SAID in line for line in world.bus.story().splitlines()):
            await asyncio.sleep(_POLL_S)


def _seqs(world: World, name: str, address: str) -> list[int]:
    frames = world.inbox(name).frames
    return [f["seq"] for f in frames if f["type"] == "event" and f"{f['room']}:{f['channel']}" == address]

"""Steps of the TypeScript SDK: each client is a bus in a Node process of its own."""

import asyncio
import json
from typing import Any

from tests.specs.js_sdk import JsClient
from tests.specs.matching import matches
from tests.specs.step_registry import step
from tests.specs.world import World

_POLL_S = 0.05
_POLLS = 200


@step("TypeScript client {string} is connected")
async def is_connected(world: World, name: str) -> None:
    """Open a bus and wait for it."""
    await _open(world, name, {"profile": {"screen_name": name}})
    session = await _client(world, name).ask("ready")
    world.names[f"${name}"] = session["client"]


@step("TypeScript client {string} opens with {string}")
async def opens_with(world: World, name: str, options: str) -> None:
    """Open a bus with options, and do not wait for it."""
    await _open(world, name, json.loads(options))


@step("TypeScript client {string} has subscribed to {string}")
async def has_subscribed(world: World, name: str, address: str) -> None:
    """Take a handle and wait until it is let in."""
    await _done(world, name, "subscribe", address=address, options={})


@step("TypeScript client {string} subscribes to {string} with {string}")
async def subscribes_with(world: World, name: str, address: str, options: str) -> None:
    """Take a handle with options."""
    await _done(world, name, "subscribe", address=address, options=json.loads(world.filled_in(options)))


@step("TypeScript client {string} publishes {string} to {string}")
async def publishes(world: World, name: str, payload: str, address: str) -> None:
    """Publish with ack."""
    await _done(world, name, "publish", address=address, data=json.loads(payload), options={"ack": True})


@step("TypeScript client {string} publishes {int} events to {string}")
async def publishes_many(world: World, name: str, count: int, address: str) -> None:
    """Publish 1, 2, 3 ... without waiting, and a ping behind them."""
    for number in range(1, count + 1):
        await _done(world, name, "publish", address=address, data=number)
    await _done(world, name, "command", command="ping", args={})


@step("TypeScript client {string} begins to publish {string} to {string} as {string}")
async def begins_to_publish(world: World, name: str, payload: str, address: str, call: str) -> None:
    """Publish with ack; the outcome is asked for later."""
    await _done(world, name, "begin", call=call, address=address, data=json.loads(payload))


@step("call {string} of TypeScript client {string} gives {string}")
async def call_gives(world: World, call: str, name: str, expected: str) -> None:
    """The outcome of a publish that was begun."""
    _assert_matches(world, expected, await _client(world, name).ask("outcome", call=call))


@step("TypeScript client {string} reads from {string}:")
async def reads(world: World, name: str, address: str, text: str) -> None:
    """The next messages of a handle: seq, data, whether it is a replay, the gap before it."""
    wanted = [json.loads(line) for line in text.splitlines()]
    got = await _done(world, name, "take", address=address, n=len(wanted))
    for want, message in zip(wanted, got, strict=True):
        assert matches(want, message, world.names), f"expected {want}, came {message} in {got}"


@step("TypeScript client {string} is cut off")
async def is_cut_off(world: World, name: str) -> None:
    """End its TCP connection without a word."""
    await _done(world, name, "cut")


@step("TypeScript client {string} comes back as who it was")
async def comes_back(world: World, name: str) -> None:
    """Wait for the connection, and compare the client id."""
    session = await _client(world, name).ask("ready")
    assert session["client"] == world.names[f"${name}"]


@step("TypeScript client {string} is in state {string}")
async def is_in_state(world: World, name: str, state: str) -> None:
    """The state, at once or soon."""
    for _ in range(_POLLS):
        found = await _client(world, name).ask("state")
        if found == state:
            return
        await asyncio.sleep(_POLL_S)
    raise AssertionError(f"expected state {state}, came {found}")


@step("TypeScript client {string} ends with {string}")
async def ends_with(world: World, name: str, expected: str) -> None:
    """The error for which the bus is closed."""
    _assert_matches(world, expected, await _client(world, name).ask("ended"))


@step("TypeScript client {string} was asked for a token because {string}")
async def was_asked_because(world: World, name: str, reasons: str) -> None:
    """The reasons that its token function was given, in order."""
    found = await _client(world, name).ask("reasons")
    assert ", ".join(found) == reasons, found


@step("TypeScript client {string} serves {string} in capitals")
async def serves(world: World, name: str, address: str) -> None:
    """Answer texts in capitals, anything else with the error no_text."""
    await _done(world, name, "serve", address=address)


@step("TypeScript client {string} asks {string} for {string} and gets {string}")
async def asks_for(world: World, name: str, address: str, question: str, expected: str) -> None:
    """Make a request; the expected value is JSON, an error is {"error", "code"}."""
    got = await _client(world, name).ask("request", address=address, data=json.loads(question))
    _assert_matches(world, expected, got)


@step("TypeScript client {string} watches who is in {string}")
async def watches(world: World, name: str, address: str) -> None:
    """Follow presence and wait for the first snapshot."""
    await _done(world, name, "watch", address=address)


@step("TypeScript client {string} soon sees {string}")
async def soon_sees(world: World, name: str, expected: str) -> None:
    """What presence shows, in a moment."""
    got: Any = None
    for _ in range(_POLLS):
        got = await _client(world, name).ask("present")
        if matches(json.loads(expected), got, world.names):
            return
        await asyncio.sleep(_POLL_S)
    raise AssertionError(f"expected {expected}, came {got}")


@step("TypeScript client {string} drains and gives up {string}")
async def drains(world: World, name: str, expected: str) -> None:
    """Drain, and compare what was given up."""
    _assert_matches(world, expected, await _client(world, name).ask("drain"))


async def _open(world: World, name: str, options: dict[str, Any]) -> None:
    bus = await world.running_bus()
    client = await JsClient.start(bus.url, options)
    world.stack.push_async_callback(client.stop)
    world.facts[f"ts {name}"] = client


def _client(world: World, name: str) -> JsClient:
    client: JsClient = world.facts[f"ts {name}"]
    return client


async def _done(world: World, name: str, operation: str, **arguments: Any) -> Any:
    got = await _client(world, name).ask(operation, **arguments)
    assert not (isinstance(got, dict) and "error" in got), f"{operation} {arguments} was refused: {got}"
    return got


def _assert_matches(world: World, expected: str, got: Any) -> None:
    assert matches(json.loads(world.filled_in(expected)), got, world.names), f"expected {expected}, came {got}"

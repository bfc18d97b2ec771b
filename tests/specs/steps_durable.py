"""Steps about durable groups: workers that are given events, and say what they did."""

import asyncio
import json
from typing import Any

from tests.specs.matching import matches
from tests.specs.step_registry import step
from tests.specs.world import World

_SOON_S = 15.0
_POLL_S = 0.05


@step("client {string} makes the durable channel {string}")
async def makes_durable_channel(world: World, name: str, address: str) -> None:
    """With all else as the settings say."""
    await world.succeed(name, "create_channel", json.dumps({"room": address, "options": {"durable": True}}))


@step("client {string} is a worker of {string}")
async def is_a_worker(world: World, name: str, address: str) -> None:
    """A member of the group `workers`."""
    await is_a_worker_with(world, name, address, "{}")


@step("client {string} is a worker of {string} with {string}")
async def is_a_worker_with(world: World, name: str, address: str, options: str) -> None:
    """The same, and says how the group is to be."""
    await world.join_in(name)
    args = {"room": address, "group": "workers", "group_options": json.loads(options) or None}
    assert (await world.succeed(name, "join_channel", json.dumps(args)))["group"] == "workers"


@step("client(s) {clients} are given seq {int} to {int} of {string}, each once")
async def are_given(world: World, names: list[str], first: int, last: int, address: str) -> None:
    """Between them."""
    wanted = list(range(first, last + 1))
    await _until(lambda: len(_given(world, names, address)) >= len(wanted), _SOON_S)
    assert sorted(_given(world, names, address)) == wanted
    assert all(_given(world, [name], address) for name in names)


@step("client {string} is given seq {int} to {int} of {string} within {int} ms")
async def is_given_within(world: World, name: str, first: int, last: int, address: str, ms: int) -> None:
    """All of them, in whatever order."""
    wanted = set(range(first, last + 1))
    await _until(lambda: set(_given(world, [name], address)) >= wanted, ms / 1000)
    assert set(_given(world, [name], address)) == wanted


@step("client(s) {clients} acknowledge(s) what they/it were/was given of {string}")
async def acknowledge(world: World, names: list[str], address: str) -> None:
    """Each in one word, which counts for all of it."""
    for name in names:
        events = _deliveries(world, name, address)
        args = {"room": address, "group": "workers", "epoch": events[0]["delivery"]["epoch"]}
        seqs = [event["seq"] for event in events]
        assert await world.succeed(name, "ack", json.dumps({**args, "seqs": seqs})) == {"acked": len(seqs)}


@step("the group of {string} stands at {string} for client {string} soon")
async def stands_at(world: World, address: str, expected: str, name: str) -> None:
    """What `group_info` says of it, in these points."""
    want, got = json.loads(expected), {}
    for _ in range(int(_SOON_S / _POLL_S)):
        got = await world.succeed(name, "group_info", json.dumps({"room": address, "group": "workers"}))
        if want.items() <= got.items():
            return
        await asyncio.sleep(_POLL_S)
    raise AssertionError(f"expected {want}, came {got}")


@step("{string} holds {string} for client {string} soon")
async def holds(world: World, address: str, expected: str, name: str) -> None:
    """One event, which `history` shows."""
    asked: dict[str, Any] = {}
    for _ in range(int(_SOON_S / _POLL_S)):
        asked = await world.ask(name, "history", json.dumps({"room": address}))
        if asked["status"] == "ok" and asked["result"]["messages"]:
            break
        await asyncio.sleep(_POLL_S)
    (event,) = asked["result"]["messages"]
    assert matches(json.loads(expected), event, {}), event


def _deliveries(world: World, name: str, address: str) -> list[dict[str, Any]]:
    events = [frame for frame in world.inbox(name).frames if frame["type"] == "event" and "delivery" in frame]
    return [event for event in events if f"{event['room']}:{event['channel']}" == address]


def _given(world: World, names: list[str], address: str) -> list[int]:
    return [event["seq"] for name in names for event in _deliveries(world, name, address)]


async def _until(condition: Any, seconds: float) -> None:
    """Wait until it is so; if it never is, the caller's assertions say what is missing."""
    for _ in range(int(seconds / _POLL_S)):
        if condition():
            return
        await asyncio.sleep(_POLL_S)

"""Steps with many clients: crowds of members and publishers, and what the bus holds meanwhile."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable

import psutil

from tests.specs.crowd import CountingMember, gather_members
from tests.specs.step_registry import step
from tests.specs.world import World

_WINDOW = 2
"""Events that a publisher in step may be ahead of the slowest member: what waits stays far from any bound."""
_MIB = 2**20


@step("{int} members of {string}")
async def members_of(world: World, count: int, address: str) -> None:
    """Ordinary clients that join a channel."""
    names = [f"member {number}" for number in range(count)]
    for name in names:
        await world.join_in(name)
        await world.succeed(name, "join_channel", json.dumps({"room": address}))
    world.facts["members"] = names


@step("{int} counting members of {string}")
async def counting_members_of(world: World, count: int, address: str) -> None:
    """Members that only count, so that hundreds of them cost little."""
    assert world.bus.unix_path is not None
    members = await gather_members(count, address, world.bus.unix_path)
    for member in members:
        world.stack.callback(member.close)
    world.facts["counting"] = members
    world.facts["memory"] = _memory(world)


@step("{int} publishers")
async def publishers(world: World, count: int) -> None:
    """Clients that will publish."""
    world.facts["publishers"] = [f"publisher {number}" for number in range(count)]
    for name in world.facts["publishers"]:
        await world.join_in(name)


@step("each publisher publishes {int} events to {string} at once")
async def each_publishes(world: World, count: int, address: str) -> None:
    """All publishers send without waiting for anything."""

    async def publish(name: str) -> None:
        for number in range(count):
            payload = json.dumps({"by": name, "n": number})
            await world.send(name, f'{{"type":"event","room":"{address}","payload":{payload}}}')

    await asyncio.gather(*[publish(name) for name in world.facts["publishers"]])


@step("all members see the same {int} events in the same order, seq {int} to {int}")
async def all_see_the_same(world: World, count: int, first: int, last: int) -> None:
    """Every member has the same list of events; it is kept for later steps."""
    lists = [await _events(world, name, count) for name in world.facts["members"]]
    assert [frame["seq"] for frame in lists[0]] == list(range(first, last + 1))
    for name, events in zip(world.facts["members"], lists, strict=True):
        assert events == lists[0], f"{name} saw another order than the first member"
    world.facts["events"] = lists[0]


@step("each publisher's events are in the order in which it sent them")
async def each_in_order(world: World) -> None:
    """Numbers of one publisher rise."""
    numbers = defaultdict(list)
    for event in world.facts["events"]:
        numbers[event["payload"]["by"]].append(event["payload"]["n"])
    assert len(numbers) == len(world.facts["publishers"])
    assert all(found == sorted(found) for found in numbers.values()), numbers


@step("client {string} publishes {int} events of {int} bytes to {string} in step with the members")
async def publishes_in_step(world: World, name: str, count: int, size: int, address: str) -> None:
    """Publish acknowledged events, never far ahead of the slowest member that reads."""
    payload = json.dumps("x" * size)
    slowest = _slowest(world)
    for number in range(1, count + 1):
        await world.publish(name, address, payload)
        while slowest() < number - _WINDOW:
            await asyncio.sleep(0)


@step("every counting member has seen seq {int} to {int}")
async def counting_members_have_seen(world: World, first: int, last: int) -> None:
    """All the way, without a hole."""
    members: list[CountingMember] = world.facts["counting"]
    async with asyncio.timeout(20):
        while min(member.last for member in members) < last:
            await asyncio.sleep(0.02)
    assert first == 1
    assert not [member.hole for member in members if member.hole or member.last != last]


@step("the bus grew by less than {int} MB")
async def grew_by_less_than(world: World, bound: int) -> None:
    """Resident memory now against that with all members joined."""
    growth = (_memory(world) - world.facts["memory"]) / _MIB
    assert growth < bound, f"the bus grew by {growth:.0f} MB"


def _slowest(world: World) -> Callable[[], int]:
    if "counting" in world.facts:
        members: list[CountingMember] = world.facts["counting"]
        return lambda: min(member.last for member in members)
    inboxes = [world.inbox(name) for name in world.facts["members"]]
    return lambda: min(len(inbox.waiting()) for inbox in inboxes)


async def _events(world: World, name: str, count: int) -> list[dict[str, object]]:
    return [(await world.inbox(name).take("event"))[0] for _ in range(count)]


def _memory(world: World) -> int:
    assert world.bus.process is not None
    return int(psutil.Process(world.bus.process.pid).memory_info().rss)

"""Steps about clients that stop reading, read on, and bear to lose what they did not read."""

import asyncio
import base64
import json
import os
from typing import Any

from tests.specs.client import Client
from tests.specs.step_registry import step
from tests.specs.world import World

_PATIENCE_S = 20.0
"""For all that waits for a client that reads on: megabytes on a busy core."""
_POLL_S = 0.02


@step("client {string} publishes {int} events of {int} random bytes to {string}")
async def publishes_random_events(world: World, name: str, count: int, size: int, address: str) -> None:
    """Publish texts that no compression makes much smaller, each acknowledged."""
    for _ in range(count):
        text = base64.b64encode(os.urandom(size * 3 // 4)).decode()
        await world.publish(name, address, json.dumps(text))


@step("client {string} reads on")
async def reads_on(world: World, name: str) -> None:
    """Read what waits in the socket, and all that follows."""
    client = world.clients[name]
    assert isinstance(client, Client)
    client.connection.transport.resume_reading()
    client.read()


@step("{int} s pass")
async def seconds_pass(world: World, seconds: int) -> None:
    """Wait."""
    await asyncio.sleep(seconds)


@step("client {string} has got or was told of seq {int} to {int} of {string}, some lost to {string}")
async def has_got_or_was_told(world: World, name: str, first: int, last: int, address: str, reason: str) -> None:
    """Events and gaps are every seq once, in order; the gaps have this reason, and there is at least one."""
    steps = await _follow(world, name, first, last, address)
    reasons = {message["payload"]["reason"] for message in steps if message["type"] == "system"}
    assert reasons == {reason}, f"expected gaps for {reason}, came {reasons or 'no gap'}"
    world.facts["steps"] = steps


@step("client {string} has got or was told of seq {int} to {int} of {string}, none lost")
async def has_got_all(world: World, name: str, first: int, last: int, address: str) -> None:
    """Events are every seq once, in order."""
    steps = await _follow(world, name, first, last, address)
    assert [message["type"] for message in steps] == ["event"] * (last - first + 1)


@step("client {string} got the last {int} of them")
async def got_the_last(world: World, name: str, count: int) -> None:
    """The newest events are there."""
    steps = world.facts["steps"]
    assert [message["type"] for message in steps[-count:]] == ["event"] * count, f"client {name} lost one of the last"


@step("after the first gap it got one event alone")
async def got_one_event(world: World) -> None:
    """Behind what the connection held already came the newest event."""
    kinds = [message["type"] for message in world.facts["steps"]]
    assert kinds[kinds.index("system") :] == ["system", "event"], kinds


@step("the last of them was a gap")
async def last_was_a_gap(world: World) -> None:
    """Nothing came after what was lost."""
    assert world.facts["steps"][-1]["type"] == "system", "the last that came was an event"


async def _follow(world: World, name: str, first: int, last: int, address: str) -> list[dict[str, Any]]:
    """Wait until all was got or told. Gives the events and gaps from ``first`` on, as they came."""
    inbox = world.inbox(name)
    reached: int = first - 1
    n_seen, steps = 0, []
    async with asyncio.timeout(_PATIENCE_S):
        while reached < last:
            assert inbox.close_code is None, f"client {name} was closed with {inbox.close_code} at seq {reached}"
            for message in inbox.frames[n_seen:]:
                bounds = _seqs(message, address)
                if bounds is None or bounds[1] < first:
                    continue
                assert bounds[0] == reached + 1, f"after seq {reached} came {bounds}"
                reached = bounds[1]
                steps.append(message)
            n_seen = len(inbox.frames)
            await asyncio.sleep(_POLL_S)
    assert reached == last
    return steps


def _seqs(message: dict[str, Any], address: str) -> tuple[int, int] | None:
    """The first and the last seq that an event or a gap of a channel is about; None: it is something else."""
    if f"{message.get('room')}:{message.get('channel')}" != address:
        return None
    if message["type"] == "event":
        return message["seq"], message["seq"]
    if message["type"] == "system" and message["event"] == "gap":
        payload = message["payload"]
        assert (payload["room"], payload["channel"]) == (message["room"], message["channel"])
        return payload["from"], payload["to"]
    return None

"""Steps about groups: members that share events, workers that answer requests."""

import asyncio
import json
from collections import Counter
from typing import Any

from tests.specs.client import PATIENCE_S, Inbox
from tests.specs.step_registry import step
from tests.specs.world import World

_POLL_S = 0.02
_MOST_IN_FLIGHT = 40
"""Events that a publisher is ahead of what was received: far from any bound of a group."""


@step("client(s) {clients} is/are (a )member(s) of {string} in the group {string}")
async def are_members_in_group(world: World, names: list[str], address: str, group: str) -> None:
    """Connect those that are not, and join the channel as members of a group."""
    for name in names:
        if name not in world.clients:
            await world.join_in(name)
        await _join(world, name, address, group)


@step("clients {clients} share seq {int} to {int} of {string} in order")
async def share_seqs(world: World, names: list[str], first: int, last: int, address: str) -> None:
    """Together they receive each of these events once; what one of them sees rises."""
    wanted = list(range(first, last + 1))
    await _until(lambda: len(_all_seqs(world, names, address)) >= len(wanted))
    assert sorted(_all_seqs(world, names, address)) == wanted
    for name in names:
        seqs = _seqs(world.inbox(name), address)
        assert seqs == sorted(seqs), f"client {name} saw {seqs}"
    world.facts["address"] = address


@step("each of clients {clients} has at least {int} of them")
async def each_has_at_least(world: World, names: list[str], count: int) -> None:
    """Nobody was passed over in the step before."""
    shares = {name: len(_seqs(world.inbox(name), world.facts["address"])) for name in names}
    assert min(shares.values()) >= count, shares


@step("client {string} reads again")
async def reads_again(world: World, name: str) -> None:
    """Take up what waits in the socket."""
    client: Any = world.clients[name]
    client.connection.transport.resume_reading()
    client.read()


@step(
    "{int} workers join {string} in the group {string} and leave it {int} times each"
    " while client {string} publishes {int} events"
)
async def workers_come_and_go(
    world: World, n_workers: int, address: str, group: str, n_times: int, name: str, n_events: int
) -> None:
    """Each worker joins on a connection of its own, takes what comes, leaves, and reads up to the answer."""
    world.facts["came and went"] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_publish_in_step(world, name, address, n_events))
        for number in range(n_workers):
            tasks.create_task(_come_and_go(world, f"worker {number}", address, group, n_times))


@step("all workers and client {string} together have seq {int} to {int} of {string}, each once")
async def all_together_have(world: World, name: str, first: int, last: int, address: str) -> None:
    """No event is missing, none came twice."""
    names = [*world.facts["came and went"], name]
    await _until(lambda: len(_all_seqs(world, names, address)) >= last - first + 1)
    counted = Counter(_all_seqs(world, names, address))
    assert counted == Counter(range(first, last + 1)), counted - Counter(range(first, last + 1))
    assert len(_seqs(world.inbox(name), address)) < last, "the workers had nothing to do"


@step("client {string} publishes {string} to {string} until one waits in the group {string}")
async def publishes_until_one_waits(world: World, name: str, payload: str, address: str, group: str) -> None:
    """What is written before the bus notices that nobody is there is gone with the socket; then it is kept."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await world.publish(name, address, payload)
            info = await world.succeed(name, "channel_info", json.dumps({"room": address}))
            if info["groups"] == [{"group": group, "members": 1, "waiting": 1}]:
                return
            await asyncio.sleep(_POLL_S)


@step("client {string} receives seq {int} to {int} of {string} or a gap that names them")
async def receives_seqs_or_gap(world: World, name: str, first: int, last: int, address: str) -> None:
    """Each event came, or is in a gap; none is both; there is a gap."""
    inbox, wanted = world.inbox(name), Counter(range(first, last + 1))
    await _until(lambda: Counter(_seqs(inbox, address)) + _gap_seqs(inbox, address) >= wanted)
    assert Counter(_seqs(inbox, address)) + _gap_seqs(inbox, address) == wanted
    assert _gap_seqs(inbox, address)


# --- requests ---------------------------------------------


@step("client(s) {clients} answer(s) requests in {string} as the group {string}")
async def answer_requests(world: World, names: list[str], address: str, group: str) -> None:
    """Workers that reply to each event with its payload, until the scenario ends."""
    for name in names:
        await world.join_in(name)
        await _join(world, name, address, group)
        task = asyncio.create_task(_answer(world, name))
        world.stack.push_async_callback(_cancel, task)


@step("client {string} sends {int} requests to {string} at once")
async def sends_requests(world: World, name: str, count: int, address: str) -> None:
    """Acknowledged events with ids, without waiting for anything."""
    await _send_requests(world, name, count, address, "1")


@step("client {string} sends {int} requests of {int} bytes to {string} at once")
async def sends_big_requests(world: World, name: str, count: int, size: int, address: str) -> None:
    """The same, with a text of a size."""
    await _send_requests(world, name, count, address, json.dumps("x" * size))


@step("each of the {int} requests of client {string} is delivered to {int} and answered once")
async def each_is_answered_once(world: World, count: int, name: str, n_delivered: int) -> None:
    """As many acknowledgements and as many replies as requests, one for each."""
    inbox = world.inbox(name)
    wanted = Counter(f"q{number}" for number in range(count))
    told = [(await inbox.take("response"))[0] for _ in range(count)]
    assert Counter(frame["request_id"] for frame in told) == wanted
    assert {frame["result"]["delivered"] for frame in told} == {n_delivered}
    await _until(lambda: len(_replies(inbox)) >= count)
    await world.settle(name)
    assert Counter(_replies(inbox)) == wanted


@step("each of clients {clients} answered at least {int}")
async def each_answered(world: World, names: list[str], count: int) -> None:
    """The requests were shared."""
    events = {name: len([f for f in world.inbox(name).frames if f["type"] == "event"]) for name in names}
    assert min(events.values()) >= count, events


@step("at least {int} of the {int} requests of client {string} are answered, none of them twice")
async def at_least_are_answered(world: World, least: int, count: int, name: str) -> None:
    """Only what was written to a socket that is gone may be missing."""
    inbox = world.inbox(name)
    for _ in range(count):
        await inbox.take("response")
    await _until(lambda: len(_replies(inbox)) >= least)
    await world.settle(name)
    counted = Counter(_replies(inbox))
    assert len(counted) >= least, f"{len(counted)} of {count} are answered"
    assert set(counted.values()) == {1}
    assert counted.keys() <= {f"q{number}" for number in range(count)}


# --- helpers ---------------------------------------------


async def _join(world: World, name: str, address: str, group: str) -> None:
    room, channel = address.split(":")
    result = await world.succeed(name, "join_channel", json.dumps({"room": room, "channel": channel, "group": group}))
    assert result["group"] == group


async def _come_and_go(world: World, worker: str, address: str, group: str, n_times: int) -> None:
    for number in range(n_times):
        name = f"{worker}, time {number}"
        client: Any = await world.join_in(name)
        for command in ("join_channel", "leave_channel"):
            args = {"room": address, **({"group": group} if command == "join_channel" else {})}
            text = json.dumps({"type": "command", "id": command, "command": command, "args": args})
            await client.send(text)
            response, raw = await client.inbox.take("response")
            assert (response["request_id"], response["status"]) == (command, "ok"), raw
            await asyncio.sleep(_POLL_S)
        world.facts["came and went"].append(name)
        await client.connection.close()


async def _publish_in_step(world: World, name: str, address: str, count: int) -> None:
    """Publish without waiting for each, and never so fast that those who come later find nothing to do."""
    for number in range(1, count + 1):
        await world.send(name, f'{{"type":"event","room":"{address}","payload":{number}}}')
        if number % _MOST_IN_FLIGHT == 0:
            await world.succeed(name, "ping")
            await asyncio.sleep(_POLL_S / 2)


async def _answer(world: World, name: str) -> None:
    while True:
        request, _ = await world.inbox(name).take("event", 60.0)
        reply = {"type": "private", "to": [request["from"]], "reply_to": request["id"], "payload": request["payload"]}
        await world.send(name, json.dumps(reply))


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _send_requests(world: World, name: str, count: int, address: str, payload: str) -> None:
    for number in range(count):
        head = f'{{"type":"event","room":"{address}","id":"q{number}","ack":true,"payload":'
        await world.send(name, head + payload + "}")


async def _until(condition: Any) -> None:
    """Wait until it is so; if it never is, the caller's assertions say what is missing."""
    for _ in range(int(PATIENCE_S / _POLL_S)):
        if condition():
            return
        await asyncio.sleep(_POLL_S)


def _seqs(inbox: Inbox, address: str) -> list[int]:
    events = [frame for frame in inbox.frames if frame["type"] == "event"]
    return [event["seq"] for event in events if f"{event['room']}:{event['channel']}" == address]


def _all_seqs(world: World, names: list[str], address: str) -> list[int]:
    return [seq for name in names for seq in _seqs(world.inbox(name), address)]


def _gap_seqs(inbox: Inbox, address: str) -> Counter[int]:
    gaps = [frame["payload"] for frame in inbox.frames if frame["type"] == "system" and frame["event"] == "gap"]
    own = [gap for gap in gaps if f"{gap['room']}:{gap['channel']}" == address]
    return Counter(seq for gap in own for seq in range(gap["from"], gap["to"] + 1))


def _replies(inbox: Inbox) -> list[str]:
    return [frame["reply_to"] for frame in inbox.frames if frame["type"] == "private"]

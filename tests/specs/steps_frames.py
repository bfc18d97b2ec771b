"""Steps about sending and receiving envelopes."""

import asyncio
import json

from tests.specs.faults import FAULTS
from tests.specs.step_registry import step
from tests.specs.world import World


@step("client {string} sends:")
@step("client {string} sends {string}")
async def sends(world: World, name: str, text: str) -> None:
    """Send one text message as it is written."""
    await world.send(name, text)


@step("client {string} sends {string} {int} times")
async def sends_often(world: World, name: str, text: str, times: int) -> None:
    """Send the same message several times without waiting."""
    for _ in range(times):
        await world.send(name, text)


@step("client {string} sends a command of {int} bytes")
async def sends_command_of(world: World, name: str, size: int) -> None:
    """Send a ping command padded to a size."""
    head, tail = '{"type":"command","id":"k","command":"ping","metadata":{"pad":"', '"}}'
    await world.send(name, head + "x" * (size - len(head) - len(tail)) + tail)


@step("client(s) {clients} receive(s):")
@step("client(s) {clients} receive(s) {string}")
async def receive(world: World, names: list[str], expected: str) -> None:
    """The next frame of the expected type, for system frames of the expected event, matches."""
    for name in names:
        await world.expect(name, expected)


@step("client {string} receives {string} within {int} s")
async def receives_within(world: World, name: str, expected: str, limit_s: int) -> None:
    """The same, of something that takes its time."""
    await world.expect(name, expected, limit_s)


@step("client {string} is told {string} about {string} saying {string}")
async def is_told(world: World, name: str, code: str, request: str, words: str) -> None:
    """The next response is a complete refusal with this code, request id (null: none) and words in its message."""
    response, text = await world.inbox(name).take("response")
    assert response["request_id"] == (None if request == "null" else request), text
    assert (response["status"], response["error"]["code"]) == ("error", code), f"expected {code}, came {text}"
    assert words in response["error"]["message"], f"expected {words!r} in the message of {text}"
    assert isinstance(response["error"]["retryable"], bool), text
    assert "result" not in response, text


@step("client(s) {clients} receive(s) nothing more")
async def receive_nothing_more(world: World, names: list[str]) -> None:
    """No message came that no step has taken, and none is on its way."""
    for name in names:
        await world.settle(name)
        waiting = world.inbox(name).waiting()
        assert not waiting, f"client {name} received more: {waiting}"


@step("client {string} publishes {string} to {string}")
async def publishes(world: World, name: str, payload: str, address: str) -> None:
    """Publish one event and wait for its acknowledgement."""
    await world.publish(name, address, payload)


@step("client {string} publishes {int} events to {string}")
async def publishes_events(world: World, name: str, count: int, address: str) -> None:
    """Publish the payloads 1, 2, 3 ..., each acknowledged."""
    for number in range(1, count + 1):
        await world.publish(name, address, str(number))


@step("client {string} publishes {int} events of {int} bytes to {string}")
async def publishes_big_events(world: World, name: str, count: int, size: int, address: str) -> None:
    """Publish texts of a size, each acknowledged."""
    for _ in range(count):
        await world.publish(name, address, json.dumps("x" * size))


@step("client {string} publishes {int} events to {string} without waiting")
async def publishes_without_waiting(world: World, name: str, count: int, address: str) -> None:
    """Publish the payloads 1, 2, 3 ... as fast as the socket takes them."""
    for number in range(1, count + 1):
        await world.send(name, f'{{"type":"event","room":"{address}","payload":{number}}}')


@step("client(s) {clients} receive(s) from {string} the payloads {string}")
async def receive_payloads(world: World, names: list[str], address: str, payloads: str) -> None:
    """The next events of the channel have these payloads in this order, with seqs that follow one another."""
    for name in names:
        seqs = []
        for payload in json.loads(payloads):
            frame, text = await world.inbox(name).take("event")
            assert f"{frame['room']}:{frame['channel']}" == address, text
            assert frame["payload"] == payload, f"expected payload {payload}, came {text}"
            seqs.append(frame["seq"])
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), f"seqs with a hole: {seqs}"


@step("client {string} receives seq {int} to {int} of {string}")
async def receives_seqs(world: World, name: str, first: int, last: int, address: str) -> None:
    """The next events of the channel have exactly these seqs."""
    events = []
    for seq in range(first, last + 1):
        frame, text = await world.inbox(name).take("event")
        assert (f"{frame['room']}:{frame['channel']}", frame["seq"]) == (address, seq), f"expected {seq}, came {text}"
        events.append(frame["payload"])
    world.facts["payloads"] = events


@step("the payloads are {int} to {int}")
async def payloads_are(world: World, first: int, last: int) -> None:
    """The events of the step before had the payloads first, first + 1 ... last."""
    assert world.facts["payloads"] == list(range(first, last + 1))


@step("client {string} receives the payload text {string} in an event, a private message and a broadcast")
async def receives_payload_text(world: World, name: str, payload: str) -> None:
    """The text of the payload is the same, byte for byte."""
    for kind in ("event", "private", "broadcast"):
        _, text = await world.inbox(name).take(kind)
        _assert_payload_text(text, payload)


@step("the history of {string} holds the payload text {string}")
async def history_holds_payload_text(world: World, address: str, payload: str) -> None:
    """The text of the payload comes back from history, byte for byte."""
    room, channel = address.split(":")
    reader = await world.join_in("reader of history")
    await world.succeed("reader of history", "history", json.dumps({"room": room, "channel": channel}))
    _assert_payload_text(reader.inbox.texts[-1], payload)


@step("client {string} receives {int} answers in the order of the commands")
async def receives_answers_in_order(world: World, name: str, count: int) -> None:
    """The next responses answer the commands that were sent without waiting, in their order."""
    got = [(await world.inbox(name).take("response"))[0]["request_id"] for _ in range(count)]
    assert got == world.facts["requests"], f"expected {world.facts['requests']}, came {got}"


@step("client {string} sends {int} commands of many kinds about {string} without waiting")
async def sends_commands(world: World, name: str, count: int, address: str) -> None:
    """Commands that need different parts of the bus, by turns."""
    where = f'{{"room":"{address}"}}'
    kinds = [("ping", "{}"), ("join_channel", where), ("channel_info", where), ("history", where), ("fly", "{}")]
    kinds += [("list_rooms", "{}"), ("leave_channel", where), ("whoami", "{}"), ("join_channel", "{}"), ("help", "{}")]
    world.facts["requests"] = [f"n{number}" for number in range(count)]
    for number, request in enumerate(world.facts["requests"]):
        command, arguments = kinds[number % len(kinds)]
        await world.send(name, f'{{"type":"command","id":"{request}","command":"{command}","args":{arguments}}}')


@step("client {string} joins, publishes, leaves, publishes and joins again on {string} without waiting")
async def joins_and_publishes(world: World, name: str, address: str) -> None:
    """Three commands with events between them."""
    where = f'"args":{{"room":"{address}"}}'
    event = f'{{"type":"event","room":"{address}","payload":1}}'
    world.facts["requests"] = ["n0", "n1", "n2"]
    await world.send(name, f'{{"type":"command","id":"n0","command":"join_channel",{where}}}')
    await world.send(name, event)
    await world.send(name, f'{{"type":"command","id":"n1","command":"leave_channel",{where}}}')
    await world.send(name, event)
    await world.send(name, f'{{"type":"command","id":"n2","command":"join_channel",{where}}}')


@step("every kind of broken client comes and goes while client {string} publishes {int} events to {string}")
async def broken_clients_come_and_go(world: World, name: str, count: int, address: str) -> None:
    """Clients with every fault run beside a publisher that keeps the rules."""
    async with asyncio.TaskGroup() as group:
        group.create_task(publishes_events(world, name, count, address))
        for number, fault in enumerate(FAULTS.values()):
            group.create_task(_break(world, f"broken {number}", fault))


async def _break(world: World, name: str, fault: list[bytes]) -> None:
    client = await world.open_socket(name)
    await client.upgrade(world.bus.host)
    for chunk in fault:
        await client.send_bytes(chunk)
    await client.inbox.closed()


def _assert_payload_text(text: str, payload: str) -> None:
    at = text.find(f'"payload":{payload}')
    assert at >= 0, f"expected the payload text {payload} in {text}"
    assert text[at + len('"payload":') + len(payload)] in ",}", f"expected the payload text {payload} in {text}"

"""Steps about programs on the Python SDK."""

import asyncio
import json
from typing import Any

from arqonbus import client as sdk
from arqonbus.client import Ack, Message
from arqonbus.client.sync import connect as connect_blocking
from tests.specs.apps import App
from tests.specs.step_registry import step
from tests.specs.world import World

SLOWLY_S = 0.05


def app_of(world: World, name: str) -> App:
    found: App = world.facts.setdefault("applications", {})[name]
    return found


async def open_app(world: World, name: str, **options: Any) -> App:
    bus = await world.running_bus()
    app = await world.stack.enter_async_context(App(bus.port, **options))
    world.facts.setdefault("applications", {})[name] = app
    return app


async def fails_as(error: str, work: Any) -> None:
    try:
        got = await work
    except sdk.ClientError as caught:
        assert type(caught).__name__ == error, f"expected {error}, came {caught!r}"
        assert caught.hint
    else:
        raise AssertionError(f"expected {error}, came {got}")


# --- connecting -------------------------------------------------------------------------------------------------------


@step("application(s) {clients} is/are connected")
async def are_connected(world: World, names: list[str]) -> None:
    """Open a bus for each."""
    for name in names:
        await open_app(world, name)


@step("application {string} is connected with the will {string} for {string}")
async def is_connected_with_will(world: World, name: str, payload: str, address: str) -> None:
    """Leave an event for the case of a loss."""
    await open_app(world, name, will=sdk.Will(address, json.loads(payload)))


@step("application {string} with the key {string} is connected as {string}")
async def is_connected_as(world: World, name: str, key: str, user: str) -> None:
    """Show a key."""
    app = await open_app(world, name, token=key)
    assert app.bus.user == user


@step("application {string} with the key {string} is refused as {word}")
async def is_refused_as(world: World, name: str, key: str, error: str) -> None:
    """The bus does not open."""
    await fails_as(error, open_app(world, name, token=key))


@step("application {string} closes")
async def closes(world: World, name: str) -> None:
    """End the bus in order, and wait until the server knows."""
    app = app_of(world, name)
    await app.bus.close()
    async with sdk.connect(world.bus.url, proxy=None) as observer:
        for _ in range(100):
            ack = await observer.send_private(app.client or "", ack=True)
            if ack is not None and ack.absent:
                return
            await asyncio.sleep(SLOWLY_S)
    raise AssertionError(f"the bus never noticed that application {name} closed")


@step("application {string} drains")
async def drains(world: World, name: str) -> None:
    """End the bus when all is done, with nothing given up."""
    assert await app_of(world, name).bus.drain(timeout_s=5) == sdk.Drained()


# --- reading and publishing -------------------------------------------------------------------------------------------


@step("application(s) {clients} read(s) {string}")
async def read(world: World, names: list[str], address: str) -> None:
    """Begin a loop."""
    for name in names:
        await app_of(world, name).start_reading(address)


@step("application(s) {clients} read(s) {string} in the group {string}")
async def read_in_group(world: World, names: list[str], address: str, group: str) -> None:
    """Begin a loop of a member of a group."""
    for name in names:
        await app_of(world, name).start_reading(address, group=group)


@step("applications {clients} together have read the numbers 1 to {int} from {string}, each once")
async def together_have_read_once(world: World, names: list[str], count: int, address: str) -> None:
    """What one got, no other got."""
    await _together_have_read(world, names, list(range(1, count + 1)), address)


@step("applications {clients} together have read the numbers 1 to {int} from {string}, each twice")
async def together_have_read_twice(world: World, names: list[str], count: int, address: str) -> None:
    """The same numbers were published twice."""
    await _together_have_read(world, names, sorted([*range(1, count + 1)] * 2), address)


async def _together_have_read(world: World, names: list[str], numbers: list[int], address: str) -> None:
    apps = [app_of(world, name) for name in names]
    await apps[0].until(lambda: sum(len(app.read[address]) for app in apps) >= len(numbers), f"{len(numbers)} numbers")
    assert sorted(number for app in apps for number in app.read[address]) == numbers
    assert all(app.read[address] for app in apps), "one of them got nothing"


@step("application {string} reads {string} once more")
async def reads_once_more(world: World, name: str, address: str) -> None:
    """Begin another loop."""
    await app_of(world, name).start_reading(address)


@step("application {string} reads numbers from {string}")
async def reads_numbers(world: World, name: str, address: str) -> None:
    """Begin a loop that asks for a type."""
    await app_of(world, name).start_reading(address, type=int)


@step("application {string} stops one of its loops over {string}")
async def stops_a_loop(world: World, name: str, address: str) -> None:
    """End a loop, and its handle."""
    await app_of(world, name).stop_a_loop(address)


@step("application {string} publishes {string} to {string}")
async def publishes(world: World, name: str, payload: str, address: str) -> None:
    """Publish and wait for the acknowledgement."""
    await app_of(world, name).bus.publish(address, json.loads(payload), ack=True)


@step("application {string} publishes {int} numbers to {string}")
async def publishes_numbers(world: World, name: str, count: int, address: str) -> None:
    """Publish 1, 2, 3 ..."""
    for number in range(1, count + 1):
        await app_of(world, name).bus.publish(address, number, ack=True)


@step("application {string} publishes {string} to {string} without waiting")
async def publishes_without_waiting(world: World, name: str, payload: str, address: str) -> None:
    """Publish, and look for the acknowledgement later."""
    app = app_of(world, name)
    app.acks.append(asyncio.create_task(app.bus.publish(address, json.loads(payload), ack=True)))
    await asyncio.sleep(0)


@step("application(s) {clients} has/have read {string} from {string}")
async def have_read(world: World, names: list[str], payloads: str, address: str) -> None:
    """These payloads came, in this order, and no more."""
    for name in names:
        await app_of(world, name).has_read(address, json.loads(payloads))


@step("application {string} has the acknowledgement of seq {int}, a duplicate")
async def has_the_acknowledgement(world: World, name: str, seq: int) -> None:
    """The publish that waited came back."""
    (call,) = app_of(world, name).acks
    async with asyncio.timeout(10):
        ack = await call
    assert isinstance(ack, Ack) and (ack.seq, ack.duplicate) == (seq, True), ack


# --- links ------------------------------------------------------------------------------------------------------------


@step("application {string} has no link")
async def has_no_link(world: World, name: str) -> None:
    """The connection is cut and no new one comes to be."""
    await app_of(world, name).take_link()


@step("the link of application {string} heals")
async def link_heals(world: World, name: str) -> None:
    """Connections come to be again."""
    app_of(world, name).heal_link()


@step("application {string} is connected again")
async def is_connected_again(world: World, name: str) -> None:
    """A session stands that is not the first."""
    app = app_of(world, name)
    await app.until(lambda: app.bus.state == "connected" and app.bus.stats().sessions > 1, "the next session")


@step("the server's words do not reach application {string}")
async def server_is_not_heard(world: World, name: str) -> None:
    """What the application says goes through, what it is told does not."""
    app_of(world, name).silence_server()


@step("the bus restarts")
async def bus_restarts(world: World) -> None:
    """Stop it in order, and start it anew at the same port with nothing in memory."""
    await asyncio.to_thread(world.bus.stop)
    await asyncio.to_thread(world.bus.start)


# --- what it was told -------------------------------------------------------------------------------------------------


@step("application {string} was told the error {string}")
async def was_told_the_error(world: World, name: str, code: str) -> None:
    """The callback for errors got it."""
    app = app_of(world, name)
    await app.until(lambda: code in [getattr(error, "code", "") for error in app.errors], f"the error {code}")


@step("application {string} was told of no gap")
async def was_told_of_no_gap(world: World, name: str) -> None:
    """Nothing is missing."""
    assert app_of(world, name).gaps == []


@step("application {string} was told of the gap {int} to {int} for {string}")
async def was_told_of_the_gap(world: World, name: str, first: int, last: int, reason: str) -> None:
    """This range is missing, and no other."""
    app = app_of(world, name)
    await app.until(lambda: bool(app.gaps), "a gap")
    (gap,) = app.gaps
    assert (gap.first, gap.last, gap.missed, gap.reason, gap.exact) == (first, last, last - first + 1, reason, True)


@step("application {string} was told of a gap that is not exact for {string}")
async def was_told_of_a_gap_that_is_not_exact(world: World, name: str, reason: str) -> None:
    """More may be missing than anybody knows."""
    app = app_of(world, name)
    await app.until(lambda: bool(app.gaps), "a gap")
    assert (app.gaps[0].reason, app.gaps[0].exact) == (reason, False)


@step("application {string} went through the states {string}")
async def went_through_the_states(world: World, name: str, states: str) -> None:
    """In this order; a state that is told again (a dial that failed) counts once."""
    told = [change.after for change in app_of(world, name).states]
    once = [state for before, state in zip(["", *told], told, strict=False) if state != before]
    assert ", ".join(once) == states


@step("application {string} kept its client id")
async def kept_its_client_id(world: World, name: str) -> None:
    """The server knows it as the same client."""
    app = app_of(world, name)
    assert app.bus.client == app.client == (await app.bus.whoami()).client


# --- calls ------------------------------------------------------------------------------------------------------------


@step("application {string} running {word} on {string} fails as {word}")
async def running_fails_as(world: World, name: str, command: str, address: str, error: str) -> None:
    """A command that is refused."""
    await fails_as(error, getattr(app_of(world, name).bus, command)(address))


@step("application {string} publishing to {string} with when_offline {string} fails as {word}")
async def publishing_fails_as(world: World, name: str, address: str, when_offline: Any, error: str) -> None:
    """A message that does not want to wait."""
    await fails_as(error, app_of(world, name).bus.publish(address, 1, when_offline=when_offline))


@step("application {string} publishing {int} messages to {string} fails as {word}")
async def publishing_many_fails_as(world: World, name: str, count: int, address: str, error: str) -> None:
    """All but the last are taken."""
    app = app_of(world, name)
    for number in range(count - 1):
        await app.bus.publish(address, number)
    await fails_as(error, app.bus.publish(address, count))


@step("application {string} squares the numbers that it is asked at {string}")
async def squares(world: World, name: str, address: str) -> None:
    """Serve requests."""
    app = app_of(world, name)
    ready = len(app.states)

    async def square(request: Message[int]) -> int:
        return request.data * request.data

    app.in_background(app.bus.serve(address, square))
    observer = app.bus
    for _ in range(100):
        try:
            if (await observer.members(address)).count:
                return
        except sdk.NotFound:
            await asyncio.sleep(SLOWLY_S)
    raise AssertionError(f"nobody serves {address}, {ready}")


@step("application {string} asking {string} at {string} is answered {string}")
async def asking_is_answered(world: World, name: str, question: str, address: str, answer: str) -> None:
    """Ask a channel."""
    assert await app_of(world, name).bus.request(address, json.loads(question)) == json.loads(answer)


@step("application {string} asking {string} at {string} fails as {word}")
async def asking_fails_as(world: World, name: str, question: str, address: str, error: str) -> None:
    """Ask a channel in vain."""
    await fails_as(error, app_of(world, name).bus.request(address, json.loads(question)))


@step("application {string} asking {string} of application {string} fails as {word}")
async def asking_client_fails_as(world: World, name: str, question: str, other: str, error: str) -> None:
    """Ask a client in vain, and at once."""
    async with asyncio.timeout(5):
        await fails_as(error, app_of(world, name).bus.request(to=app_of(world, other).client, data=question))


@step("application {string} follows who is in {string}")
async def follows(world: World, name: str, address: str) -> None:
    """Open a handle of presence."""
    app = app_of(world, name)
    app.present[address] = await app.bus.presence(address).open()


@step("application {string} knows the members {string} of {string}")
async def knows_the_members(world: World, name: str, members: str, address: str) -> None:
    """These, and nobody else."""
    app = app_of(world, name)
    wanted = {app_of(world, member.strip()).client for member in members.split(",")}
    await app.until(lambda: set(app.present[address].members) == wanted, f"the members {members}")
    assert app.present[address].count == len(wanted)


@step("application {string} passes on slowly what comes to {string} to {string}")
async def passes_on_slowly(world: World, name: str, address: str, target: str) -> None:
    """A handler that takes its time and publishes."""
    app = app_of(world, name)
    handle = await app.bus.subscribe(address).open()

    async def pass_on(message: Message[Any]) -> None:
        await asyncio.sleep(SLOWLY_S)
        await app.bus.publish(target, message.data)

    app.in_background(handle.run(pass_on))


@step("a blocking program publishes {string} to {string} and reads it back")
async def blocking_program(world: World, payload: str, address: str) -> None:
    """The facade, in a thread of its own."""

    def run() -> None:
        with connect_blocking(world.bus.url, proxy=None) as bus, bus.subscribe(address) as channel:
            bus.publish(address, json.loads(payload))
            assert channel.get(timeout_s=10).data == json.loads(payload)

    await asyncio.to_thread(run)

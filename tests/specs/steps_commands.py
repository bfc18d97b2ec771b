"""Steps about commands, their results and their pages."""

import asyncio
import json
from typing import Any

from tests.specs.matching import matches
from tests.specs.step_registry import step
from tests.specs.world import World

_SOON_S = 10.0
_POLL_S = 0.03
_AFTERTHOUGHTS = 40
"""Events that are published while another client pages through history: few enough to end, more than one page."""


@step("client {string} runs {string}")
async def runs(world: World, name: str, command: str) -> None:
    """Run a command without arguments; later steps judge the response."""
    await world.ask(name, command)


@step("client {string} runs {string} with {string}")
async def runs_with(world: World, name: str, command: str, arguments: str) -> None:
    """Run a command with arguments; later steps judge the response."""
    await world.ask(name, command, arguments)


@step("the result is {string}")
async def result_is(world: World, expected: str) -> None:
    """The last command succeeded, and its result matches."""
    response = world.response
    assert response["status"] == "ok", f"refused: {response}"
    assert matches(json.loads(expected), response["result"], world.names), f"expected {expected}, came {response}"


@step("it is refused as {string} saying {string}")
async def is_refused_as(world: World, code: str, words: str) -> None:
    """The last command was refused with this code and words in the message."""
    response = world.response
    assert response["status"] == "error" and response["error"]["code"] == code, f"expected {code}, came {response}"
    assert words in response["error"]["message"], f"expected {words!r} in the message of {response}"


@step("it is refused")
async def is_refused(world: World) -> None:
    """The last command was refused, with whatever code."""
    assert world.response["status"] == "error", f"expected a refusal, came {world.response}"


@step("the epoch of the result is not {string}")
async def epoch_is_not(world: World, name: str) -> None:
    """The channel has begun anew."""
    assert world.response["result"]["epoch"] != world.names[name]


@step("the list {string} of the result has {int} entries")
async def list_has_entries(world: World, field: str, count: int) -> None:
    """Length of one list of the result."""
    assert len(world.response["result"][field]) == count, world.response


@step("the result lists exactly these commands with schemas:")
async def lists_commands(world: World, table: list[list[str]]) -> None:
    """The names of `help`, each with JSON Schemas of arguments and result, and its permission."""
    commands = world.response["result"]["commands"]
    names = {name.strip() for row in table for cell in row for name in cell.split(",")}
    assert commands.keys() == names, f"expected {sorted(names)}, came {sorted(commands)}"
    for name, entry in commands.items():
        assert matches({"args": "$schema", "result": "$schema"}, entry, {}), f"{name}: {entry}"
        assert "permission" in entry, f"{name}: {entry}"


@step("client(s) {clients} is/are (a )member(s) of {string}")
async def are_members(world: World, names: list[str], address: str) -> None:
    """Connect those that are not, and join the channel."""
    room, channel = address.split(":")
    for name in names:
        if name not in world.clients:
            await world.join_in(name)
        await world.succeed(name, "join_channel", json.dumps({"room": room, "channel": channel}))


@step("client {string} sees {int} members of {string} soon")
async def sees_members_soon(world: World, name: str, count: int, address: str) -> None:
    """Ask until all are there, and nothing is said to be missing."""
    room, channel = address.split(":")
    page: dict[str, Any] = {}
    for _ in range(200):
        page = await world.succeed(name, "members", json.dumps({"room": room, "channel": channel}))
        if page["count"] == count and "partial" not in page:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"expected {count} members, came {page}")


@step("{string} has {int} member(s) soon")
async def has_members_soon(world: World, address: str, count: int) -> None:
    """The member count of a channel becomes this."""
    await _observe(world, address, lambda response: response["result"]["members"] == count, f"{count} members")


@step("{string} is no longer listed within {int} s")
async def is_no_longer_listed(world: World, address: str, limit_s: int) -> None:
    """The channel goes; asking for it by name would bring it back, so the list is asked."""
    room, channel = address.split(":")
    await world.join_in("reader of lists")
    async with asyncio.timeout(limit_s):
        while channel in await _listed(world, room):
            await asyncio.sleep(_POLL_S)


@step("{int} channels exist in {string}")
async def channels_exist(world: World, count: int, room: str) -> None:
    """Make channels by publishing to them."""
    await world.join_in("maker of channels")
    for number in range(count):
        await world.publish("maker of channels", f"{room}:channel-{number}", "1")


@step("{int} rooms exist")
async def rooms_exist(world: World, count: int) -> None:
    """Make rooms of one channel each."""
    await world.join_in("maker of rooms")
    for number in range(count):
        await world.publish("maker of rooms", f"room-{number}:only", "1")


@step("client {string} pages through {string} with {string}")
async def pages_through(world: World, name: str, command: str, arguments: str) -> None:
    """Follow the cursor to the end."""
    pages: list[dict[str, Any]] = []
    question = json.loads(arguments)
    while not pages or pages[-1]["cursor"] is not None:
        pages.append(await world.succeed(name, command, json.dumps(question)))
        question["cursor"] = pages[-1]["cursor"]
    world.facts["pages"] = pages


@step("{int} page(s) hold(s) {int} different entries of {string} by {string}")
async def pages_hold(world: World, count: int, entries: int, field: str, key: str) -> None:
    """No entry is missing, none comes twice; the bus's own rooms are not counted."""
    _judge_pages(world, count, entries, field, (key,))


@step("{int} page(s) hold(s) {int} different entries of {string} by {string} and {string}")
async def pages_hold_by_two(world: World, count: int, entries: int, field: str, key: str, second: str) -> None:
    """The same, where an entry is known by two fields."""
    _judge_pages(world, count, entries, field, (key, second))


@step("the result holds seq {int} down to {int}")
async def holds_seqs_down(world: World, first: int, last: int) -> None:
    """Messages of the result, newest first."""
    assert _seqs(world.response["result"]) == list(range(first, last - 1, -1)), _seqs(world.response["result"])


@step("the result holds seq {int} up to {int}")
async def holds_seqs_up(world: World, first: int, last: int) -> None:
    """Messages of the result, oldest first."""
    assert _seqs(world.response["result"]) == list(range(first, last + 1)), _seqs(world.response["result"])


@step("the history of {string} ends with seq {int} and holds {int} to {int} events")
async def history_ends_with(world: World, address: str, last: int, fewest: int, most: int) -> None:
    """The newest events are kept, as many as the bounds allow."""
    await world.join_in("reader of history")
    result = await world.succeed("reader of history", "history", json.dumps({"room": address, "limit": 1000}))
    seqs = _seqs(result)
    assert fewest <= len(seqs) <= most and seqs == list(range(last, last - len(seqs), -1)), result
    assert (result["first_seq"], result["last_seq"]) == (seqs[-1], last), result


@step("client {string} pages {string} through the history of {string} by {int} while client {string} publishes")
async def pages_history(world: World, name: str, order: str, address: str, limit: int, publisher: str) -> None:
    """Read page by page to the end of a direction; new events come in between and at the same time."""
    task = asyncio.create_task(_publish_more(world, publisher, address))
    world.stack.callback(task.cancel)
    seqs: list[int] = []
    question: dict[str, Any] = {"room": address, "limit": limit, "order": order}
    more = True
    while more:
        page = await world.succeed(name, "history", json.dumps(question))
        seqs += _seqs(page)
        question["after" if order == "asc" else "before"] = seqs[-1]
        more = page["more"]
    await task
    world.facts["seqs"] = seqs


@step("the pages hold each seq from 1 to at least {int} once, in order {string}")
async def pages_hold_each_seq(world: World, last: int, order: str) -> None:
    """No hole, no repeat."""
    seqs = world.facts["seqs"]
    assert max(seqs) >= last, max(seqs)
    wanted = list(range(1, max(seqs) + 1))
    assert seqs == (wanted if order == "asc" else wanted[::-1]), seqs


async def _publish_more(world: World, name: str, address: str) -> None:
    for number in range(_AFTERTHOUGHTS):
        await world.publish(name, address, str(number))


async def _listed(world: World, room: str) -> list[str]:
    response = await world.ask("reader of lists", "list_channels", json.dumps({"room": room}))
    if response["status"] == "error":
        assert response["error"]["code"] == "not_found", response
        return []
    return [entry["channel"] for entry in response["result"]["channels"]]


async def _observe(world: World, address: str, is_so: Any, words: str) -> None:
    observer = f"observer of {address} for {words}"
    await world.join_in(observer)
    try:
        async with asyncio.timeout(_SOON_S):
            while not is_so(await world.ask(observer, "channel_info", json.dumps({"room": address}))):
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise AssertionError(f"expected {address} {words}, came {world.response}") from None


def _judge_pages(world: World, count: int, entries: int, field: str, keys: tuple[str, ...]) -> None:
    pages = world.facts["pages"]
    assert len(pages) == count and all(page[field] for page in pages), f"expected {count} full pages, came {pages}"
    found = [tuple(entry[key] for key in keys) for page in pages for entry in page[field]]
    found = [names for names in found if not any(name.startswith("_") for name in names)]
    assert len(found) == len(set(found)) == entries, f"expected {entries} different entries, came {found}"


def _seqs(result: dict[str, Any]) -> list[int]:
    return [message["seq"] for message in result["messages"]]

"""The work of sub: several channels, rooms, groups, presence, and connections that come and go."""

import asyncio
import threading
from argparse import Namespace
from collections.abc import Awaitable, Callable

import pytest

from arqonbus.cli.kit.failures import Failure
from arqonbus.cli.reading import Reading
from arqonbus.cli.table import parser_of
from arqonbus.client import Bus as Client
from arqonbus.client import CannotConnect, connect
from arqonbus.client.sync import connect as connect_blocking
from arqonbus.testing.chaos import ChaosProxy
from tests.cli.conftest import records
from tests.specs.bus import Bus

pytestmark = pytest.mark.integration

Capture = pytest.CaptureFixture[str]


def options(*argv: str, **more: object) -> Namespace:
    parsed = parser_of("sub").parse_args(argv)
    return Namespace(**{**vars(parsed), **more})


async def read(given: Namespace, meanwhile: Callable[[Client], Awaitable[None]], server: Bus) -> int:
    """Read as the options say, and do something as soon as it reads."""
    reading = Reading(given)
    task = asyncio.create_task(reading.run(given))
    async with connect(server.url) as bus:
        await asyncio.wait_for(reading.is_reading.wait(), 10)
        await meanwhile(bus)
        if given.count is None and given.timeout is None and not task.done():
            task.cancel()  # as Ctrl-C does
            await asyncio.gather(task, return_exceptions=True)
            return 0
        return await asyncio.wait_for(task, 10)


async def test_several_channels_are_read_at_once(at_server: Bus, room: str, capsys: Capture) -> None:
    async def talk(bus: Client) -> None:
        await bus.publish(f"{room}:a", 1, ack=True)
        await bus.publish(f"{room}:b", 2, ack=True)

    code = await read(options(f"{room}:a", f"{room}:b", f"{room}:a", "-n", "2", "-q"), talk, at_server)

    assert (code, sorted(capsys.readouterr().out.split())) == (0, ["1", "2"])


async def test_a_whole_room_is_read_with_channels_to_come(at_server: Bus, room: str, capsys: Capture) -> None:
    async def talk(bus: Client) -> None:
        await bus.publish(f"{room}:new", 1, ack=True)
        await bus.publish(f"{room}:newer", 2, ack=True)

    await read(options(f"{room}:*", "-n", "2", "--json"), talk, at_server)

    joined, first, second = records(capsys.readouterr().out)
    assert (joined.address, joined.seq) == (f"{room}:*", None)
    assert (first.address, second.address) == (f"{room}:new", f"{room}:newer")


async def test_the_past_is_followed_by_the_present(at_server: Bus, room: str, capsys: Capture) -> None:
    from arqonbus.cli.kit.past import Since

    async with connect(at_server.url) as bus:
        for number in range(3):
            await bus.publish(f"{room}:log", number, ack=True)

    async def talk(bus: Client) -> None:
        await bus.publish(f"{room}:log", 3, ack=True)

    await read(options(f"{room}:log", "-n", "4", since=Since("all")), talk, at_server)

    out, err = capsys.readouterr()
    assert out.split() == ["0", "1", "2", "3"]
    assert err == f"arqonbus: reading {room}:log behind #3; Ctrl-C ends\n"


async def test_a_burst_that_is_larger_than_any_queue_is_shown_whole(at_server: Bus, room: str, capsys: Capture) -> None:
    def publish() -> None:
        with connect_blocking(at_server.url) as bus:
            for number in range(5000):
                bus.publish(f"{room}:log", number)
            bus.ping()

    async def burst(bus: Client) -> None:
        thread = threading.Thread(target=publish)
        thread.start()
        thread.join(10)  # nothing is read meanwhile, so all of it waits in the socket

    assert await read(options(f"{room}:log", "-n", "5000"), burst, at_server) == 0

    out, err = capsys.readouterr()
    assert out.split() == [str(number) for number in range(5000)]
    assert "missing" not in err


async def test_members_of_a_group_share_the_messages(at_server: Bus, room: str, capsys: Capture) -> None:
    address = f"{room}:jobs"

    async def work(bus: Client) -> None:
        async with bus.subscribe(address, group="g") as other:
            for number in range(8):
                await bus.publish(address, number, ack=True)
            await bus.ping()
            mine = [message.data for message in iter(other.get_nowait, None)]
            while True:
                await asyncio.sleep(0.02)
                theirs = [int(line) for line in capsys.readouterr().out.split()]
                if len(mine) + len(theirs) >= 8 or not theirs:
                    break
            assert sorted({*mine, *theirs}) == list(range(8))
            assert mine
            assert theirs

    assert await read(options(address, "--group", "g", "-q"), work, at_server) == 0


async def present(bus: Client, address: str) -> list[str]:
    return [member.client for member in (await bus.members(address)).members]


async def test_who_comes_and_goes_is_told(at_server: Bus, room: str, capsys: Capture) -> None:
    address = f"{room}:talk"
    seen: list[str] = []

    async def visit(bus: Client) -> None:
        async with bus.subscribe(address):
            seen.append(str(bus.client))
        while len(await present(bus, address)) > 1:  # a handle lingers before it leaves
            await asyncio.sleep(0.02)
        await bus.publish(address, "end", ack=True)

    await read(options(address, "--presence", "--json", "-n", "1"), visit, at_server)

    changes = [one for one in records(capsys.readouterr().out) if type(one).__name__ == "PresenceRecord" and one.client]
    assert [(one.change, one.client, one.reason) for one in changes] == [
        ("joined", seen[0], None),
        ("left", seen[0], "left"),
    ]


async def test_who_comes_is_told_in_words(at_server: Bus, room: str, capsys: Capture) -> None:
    address = f"{room}:talk"

    async def visit(bus: Client) -> None:
        async with bus.subscribe(address):
            await bus.publish(address, "end", ack=True)

    await read(options(address, "--presence", "-n", "1"), visit, at_server)

    out, err = capsys.readouterr()
    assert out == '"end"\n'
    assert "joined, 2 there\n" in err


async def test_a_lost_connection_is_told_and_nothing_is_missed(
    at_server: Bus, room: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{room}:log"
    async with ChaosProxy("127.0.0.1", at_server.port, seed=1) as proxy:
        given = options(address, "-n", "3", "--json", "--url", proxy.url)

        async def cut(bus: Client) -> None:
            await bus.publish(address, 1, ack=True)
            proxy.cut()
            await bus.publish(address, 2, ack=True)
            await bus.publish(address, 3, ack=True)

        assert await read(given, cut, at_server) == 0

    found = records(capsys.readouterr().out)
    assert [one.seq for one in found if type(one).__name__ == "MessageRecord"] == [1, 2, 3]
    assert [one.state for one in found if type(one).__name__ == "StateRecord"] == ["reconnecting", "connected"]


async def test_a_lost_connection_is_told_in_words(at_server: Bus, room: str, capsys: Capture) -> None:
    address = f"{room}:log"
    async with ChaosProxy("127.0.0.1", at_server.port, seed=1) as proxy:

        async def cut(bus: Client) -> None:
            proxy.cut()
            await bus.publish(address, 1, ack=True)

        await read(options(address, "-n", "1", "--url", proxy.url), cut, at_server)

    err = capsys.readouterr().err
    assert "arqonbus: the connection was lost; trying again\narqonbus: connected again\n" in err


async def test_a_channel_that_is_deleted_is_the_end(at_server: Bus, room: str) -> None:
    from arqonbus.client import SubscriptionEnded

    async def delete(bus: Client) -> None:
        await bus.delete_channel(f"{room}:log", force=True)

    with pytest.raises(SubscriptionEnded):
        await read(options(f"{room}:log", "-n", "1"), delete, at_server)


async def test_time_ends_it(at_server: Bus, room: str, capsys: Capture) -> None:
    given = options(f"{room}:log", "--timeout", "1", "-n", "1")

    with pytest.raises(Failure, match=r"0 of 1 messages came within 1 s"):
        await Reading(given).run(given)


def test_the_good_bye_counts(capsys: Capture) -> None:
    Reading(options("a:b")).say_good_bye()
    Reading(options("a:b", "-q")).say_good_bye()

    assert capsys.readouterr().err == "arqonbus: 0 messages\n"


async def test_a_server_that_never_answers_is_no_success(capsys: Capture) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        given = options("a:b", "--timeout", "0.3", "--url", f"127.0.0.1:{port}")

        with pytest.raises((Failure, CannotConnect)):
            await Reading(given).run(given)

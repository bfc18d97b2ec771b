"""arqonbus request. Its other end, arqonbus reply, is tested in test_reply."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from arqonbus.client import Bus as Client
from arqonbus.client import Message, ReplyError, connect
from tests.cli.conftest import Call, records
from tests.specs.bus import Bus

pytestmark = pytest.mark.integration


async def answer(request: Message[object]) -> object:
    if request.data == "fail":
        raise ReplyError("by_zero", "that has no answer")
    if request.data == "sleep":
        await asyncio.sleep(60)
    return {"asked": request.data, "headers": {k: v for k, v in request.metadata.items() if k != "timeout_ms"}}


@pytest.fixture(scope="module")
def clerk(server: Bus) -> Iterator[str]:
    """Somebody who answers on clerk:desk and by client id, in a thread of its own. Gives the client id."""
    ready, over = threading.Event(), asyncio.Event()
    found: list[Client] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        async with connect(server.url) as bus, bus.subscribe("clerk:desk") as desk, bus.inbox() as inbox:
            found.append(bus)

            async def reply(request: Message[object]) -> None:
                try:
                    await bus.reply(request, await answer(request))
                except ReplyError as error:
                    await bus.reply_error(request, error.code, error.message)

            works = [asyncio.create_task(handle.run(reply, concurrency=8)) for handle in (desk, inbox)]
            ready.set()
            await over.wait()
            for work in works:
                work.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    yield str(found[0].client)
    loops[0].call_soon_threadsafe(over.set)
    thread.join(10)


def test_the_answer_is_printed(call: Call, at_server: Bus, clerk: str) -> None:
    assert call("request", "clerk:desk", '{"n":1}') == (0, '{"asked":{"n":1},"headers":{}}\n', "")
    assert call("request", "clerk:desk").out == '{"asked":null,"headers":{}}\n'


def test_a_client_can_be_asked_by_its_id_and_headers_are_sent(call: Call, at_server: Bus, clerk: str) -> None:
    assert call("request", "--to", clerk, "x", "-H", "a=b").out == '{"asked":"x","headers":{"a":"b"}}\n'


def test_the_question_may_come_from_stdin(call: Call, at_server: Bus, clerk: str, stdin: Callable[[str], None]) -> None:
    stdin("[1,\n2]\n")

    assert call("request", "clerk:desk", "-").out == '{"asked":[1,2],"headers":{}}\n'


def test_the_answer_can_be_had_as_a_record(call: Call, at_server: Bus, clerk: str) -> None:
    (record,) = records(call("request", "clerk:desk", "x", "--json").out)

    assert (record.kind, record.sender) == ("private", clerk)
    assert bytes(record.payload) == b'{"asked":"x","headers":{}}'


def test_a_responder_that_says_no_exits_with_6(call: Call, at_server: Bus, clerk: str) -> None:
    code, out, err = call("request", "clerk:desk", "fail")

    assert (code, out) == (6, "")
    assert "arqonbus: that has no answer (by_zero)" in err


def test_no_answer_in_time_exits_with_5(call: Call, at_server: Bus, clerk: str) -> None:
    assert call("request", "clerk:desk", "sleep", "--timeout", "1").code == 5


def test_nobody_there_exits_with_5_at_once(call: Call, at_server: Bus, room: str) -> None:
    code, _, err = call("request", f"{room}:empty", "x")

    assert code == 5
    assert "(no_responder)" in err


@pytest.mark.parametrize("argv", [[], ["science"], ["--to", "c-1", "data", "more"], ["a:b", "{"]])
def test_what_makes_no_sense_is_wrong_usage(argv: list[str], call: Call, at_server: Bus) -> None:
    assert call("request", *argv).code == 2

"""Publish, private messages, broadcasts, requests and replies."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from arqonbus.client import (
    Ack,
    Bus,
    BusClosed,
    DecodeError,
    InvalidRequest,
    Message,
    NoResponder,
    NotConnected,
    OutcomeUnknown,
    Profile,
    ReplyError,
    RequestFailed,
    Will,
)
from arqonbus.client.messaging import profile_args, will_args
from tests.client.scripted import ScriptedServer, pause


@pytest.mark.rules("R20")
async def test_publish_is_done_when_the_message_is_on_its_way(server: ScriptedServer, bus: Bus) -> None:
    assert await bus.publish("science:explore", {"n": 1}, metadata={"k": "v"}, reply_to="q") is None

    frame = await server.frame("event")
    assert (frame["room"], frame["channel"], frame["payload"]) == ("science", "explore", {"n": 1})
    assert (frame["metadata"], frame["reply_to"]) == ({"k": "v"}, "q")
    assert "ack" not in frame


@pytest.mark.rules("R18", "R20")
async def test_publish_with_ack_gives_what_became_of_it(server: ScriptedServer, bus: Bus) -> None:
    ack = await bus.publish("science:explore", 1, ack=True, id="mine")

    assert ack == Ack(1, "e1", False, "memory", None, "mine")


@pytest.mark.rules("R18")
async def test_ids_differ_over_buses(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    for _ in range(2):
        bus = await make_bus().open()
        await bus.publish("science:explore")
    first, second = await server.frame("event"), await server.frame("event")

    assert len(first["id"].rpartition("-")[0]) == 12
    assert first["id"] != second["id"]


@pytest.mark.rules("R23")
async def test_what_to_do_while_away_is_said_by_the_call(server: ScriptedServer, make_bus: Callable[..., Bus]) -> None:
    bus = make_bus()

    with pytest.raises(NotConnected):
        await bus.publish("science:explore", when_offline="reject")
    await bus.publish("science:explore", when_offline="drop")
    with pytest.raises(ValueError, match="do not go together"):
        await bus.publish("science:explore", ack=True, when_offline="drop")

    assert bus.stats().dropped == 1


@pytest.mark.parametrize("call", ["publish", "broadcast", "request"])
async def test_a_wrong_address_is_a_value_error(bus: Bus, call: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        await getattr(bus, call)("not an address")


async def test_a_broadcast_takes_a_room_and_a_publish_a_channel(bus: Bus) -> None:
    with pytest.raises(ValueError, match="publish reaches a channel"):
        await bus.broadcast("science:explore")
    with pytest.raises(ValueError, match="room:channel"):
        await bus.publish("science")


@pytest.mark.rules("R52")
async def test_a_payload_that_is_no_json_is_refused_here(bus: Bus) -> None:
    with pytest.raises(InvalidRequest):
        await bus.publish("science:explore", object())


async def test_private_messages_and_broadcasts(server: ScriptedServer, bus: Bus) -> None:
    server.answers["private"] = lambda frame: {"delivered": 1, "absent": ["c-3"]}
    server.answers["broadcast"] = lambda frame: {"delivered": 4}

    private = await bus.send_private(["c-2", "c-3"], "psst", ack=True)
    broadcast = await bus.broadcast("science", "all", ack=True)
    assert await bus.send_private("c-2", "no ack") is None

    assert private is not None and (private.delivered, private.absent) == (1, ("c-3",))
    assert broadcast is not None and broadcast.delivered == 4
    assert (await server.frame("private"))["to"] == ["c-2", "c-3"]
    assert (await server.frame("broadcast"))["room"] == "science"


# --- requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.rules("R44")
async def test_a_request_waits_for_the_reply(server: ScriptedServer, bus: Bus) -> None:
    asking = asyncio.create_task(bus.request("math:add", [1, 2], type=int, timeout_s=2, metadata={"k": "v"}))
    question = await server.frame("event")

    server.socket.say(type="private", id="r", sender="c-9", reply_to=question["id"], payload=3)

    assert await asking == 3
    assert question["ack"] and question["metadata"] == {"timeout_ms": 2000, "k": "v"}


@pytest.mark.rules("R44")
async def test_a_request_to_a_client_is_a_private_message(server: ScriptedServer, bus: Bus) -> None:
    server.answers["private"] = lambda frame: {"delivered": 1, "absent": []}
    asking = asyncio.create_task(bus.request_message(to="c-9", data="?"))
    question = await server.frame("private")

    server.socket.say(type="private", id="r", sender="c-9", reply_to=question["id"], payload="!")

    answer = await asking
    assert (answer.data, answer.sender, question["to"]) == ("!", "c-9", ["c-9"])


async def test_a_request_has_one_addressee(bus: Bus) -> None:
    with pytest.raises(ValueError, match="an address or a client"):
        await bus.request()
    with pytest.raises(ValueError, match="an address or a client"):
        await bus.request("math:add", to="c-9")


@pytest.mark.rules("R45")
async def test_a_request_that_nobody_can_answer_fails_at_once(server: ScriptedServer, bus: Bus) -> None:
    server.answers["private"] = lambda frame: {"delivered": 0, "absent": ["c-9"]}
    server.answers["event"] = lambda frame: {"error": {"code": "not_found"}}

    with pytest.raises(NoResponder):
        await bus.request(to="c-9")
    with pytest.raises(NoResponder, match="math:add"):
        await bus.request("math:add")


@pytest.mark.rules("R45")
async def test_a_request_without_an_answer_in_time(bus: Bus) -> None:
    with pytest.raises(OutcomeUnknown):
        await bus.request("math:add", timeout_s=0.01)


@pytest.mark.rules("R46")
@pytest.mark.parametrize(
    ("error", "code", "words"),
    [({"code": "busy", "message": "later"}, "busy", "later"), ({}, "handler_failed", "the responder failed")],
)
async def test_an_answer_may_be_an_error(
    server: ScriptedServer, bus: Bus, error: dict[str, str], code: str, words: str
) -> None:
    asking = asyncio.create_task(bus.request("math:add"))
    question = await server.frame("event")

    server.socket.say(type="private", id="r", reply_to=question["id"], payload=None, metadata={"error": error})

    with pytest.raises(RequestFailed) as caught:
        await asking
    assert (caught.value.code, caught.value.message) == (code, words)


@pytest.mark.rules("R39")
async def test_an_answer_may_not_be_of_the_type(server: ScriptedServer, bus: Bus) -> None:
    asking = asyncio.create_task(bus.request("math:add", type=int))
    question = await server.frame("event")
    server.socket.say(type="private", id="r", reply_to=question["id"], payload="three")

    with pytest.raises(DecodeError):
        await asking


@pytest.mark.rules("R46")
@pytest.mark.parametrize(
    ("outcome", "payload", "error"),
    [
        (3, 3, None),
        (ReplyError("busy", "later"), None, {"code": "busy", "message": "later"}),
        (ValueError("secret"), None, {"code": "handler_failed", "message": ""}),
    ],
)
async def test_a_responder_answers_with_what_its_handler_gives(
    server: ScriptedServer, make_bus: Callable[..., Bus], outcome: Any, payload: Any, error: Any
) -> None:
    errors: list[Exception] = []
    bus = await make_bus(on_error=errors.append).open()

    async def handle(request: Message[Any]) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    serving = asyncio.create_task(bus.serve("math:add", handler=handle))
    await server.frame("join_channel")
    await pause()
    server.socket.event(1, [1, 2], room="math", channel="add", id="q")
    reply = await server.frame("private")

    assert (reply["to"], reply["reply_to"], reply["payload"]) == (["c-9"], "q", payload)
    assert reply.get("metadata", {}).get("error") == error
    assert [type(one) for one in errors] == ([ValueError] if isinstance(outcome, ValueError) else [])
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@pytest.mark.rules("R3")
async def test_after_the_end_every_call_fails(bus: Bus) -> None:
    await bus.close()

    for call in (bus.publish("science:explore"), bus.ping(), bus.request("math:add"), bus.send_private("c-2")):
        with pytest.raises(BusClosed):
            await call


# --- profile and will -------------------------------------------------------------------------------------------------


@pytest.mark.rules("R7")
async def test_a_profile_that_was_changed_is_that_of_the_next_connect(
    server: ScriptedServer, make_bus: Callable[..., Bus]
) -> None:
    bus = await make_bus(profile={"screen_name": "Ana", "data": {"n": 1}}).open()
    server.answers["set_profile"] = lambda frame: {"screen_name": "Bea"}
    await bus.set_profile(screen_name="Bea")

    server.socket.end(1006)
    await server.until(lambda: len(server.greetings) == 2)

    assert server.greetings[0]["args"]["profile"] == {"screen_name": "Ana", "data": {"n": 1}}
    assert server.greetings[1]["args"]["profile"] == {"screen_name": "Bea"}


@pytest.mark.rules("R7")
async def test_a_will_that_was_changed_is_that_of_the_next_connect(
    server: ScriptedServer, make_bus: Callable[..., Bus]
) -> None:
    bus = await make_bus(will=Will("science:explore", "gone")).open()
    server.answers["set_will"] = lambda frame: {}
    will = {"room": "science", "channel": "explore", "payload": "gone", "metadata": {}}
    assert server.greetings[0]["args"]["will"] == will

    await bus.set_will(Will("science:explore", "really gone", {"k": 1}))
    server.socket.end(1006)
    await server.until(lambda: len(server.greetings) == 2)
    await pause()
    await bus.set_will(None)
    server.socket.end(1006)
    await server.until(lambda: len(server.greetings) == 3)

    assert server.greetings[1]["args"]["will"] == {**will, "payload": "really gone", "metadata": {"k": 1}}
    assert "will" not in server.greetings[2]["args"]


def test_a_profile_and_a_will_are_checked_where_they_are_given() -> None:
    assert profile_args(Profile(screen_name="Ana")) == {"screen_name": "Ana"}
    with pytest.raises(msgspec.ValidationError):
        profile_args({"screen_nam": "Ana"})
    with pytest.raises(ValueError, match="room:channel"):
        will_args(Will("science"))


async def test_the_wish_to_be_debugged_is_in_every_connect_and_in_none_without_it(
    server: ScriptedServer, make_bus: Callable[..., Bus]
) -> None:
    await make_bus().open()
    await make_bus(debug=True).open()

    assert ["debug" in greeting["args"] for greeting in server.greetings] == [False, True]

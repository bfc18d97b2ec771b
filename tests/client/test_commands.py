"""Every command of the protocol as a typed method."""

from collections.abc import Callable
from typing import Any

import pytest

from arqonbus.client import Bus, ClientError, Conflict, DecodeError, OutcomeUnknown
from arqonbus.client.commands import Commands, place, single_place
from arqonbus.client.results import Options
from arqonbus.protocol.payloads import COMMANDS
from tests.client.scripted import ScriptedServer

INFO = {
    "room": "science",
    "channel": "explore",
    "options": {"history_limit": 5},
    "epoch": "e1",
    "seq": 3,
    "members": 1,
    "created_at": "t",
    "created_by": None,
    "kind": "user",
}
EVENT = {"type": "event", "room": "science", "channel": "explore", "id": "e", "from": "c", "timestamp": "t", "seq": 3}
STATUS = {
    "server": "s",
    "version": "0.1.0",
    "uptime_s": 1.5,
    "connections": 1,
    "rooms": 1,
    "channels": 1,
    "messages_in": 1,
    "messages_out": 1,
    "errors": 0,
    "storage": {"backend": "memory", "state": "ok"},
    "draining": False,
}
HISTORY = {"epoch": "e1", "first_seq": 1, "last_seq": 3, "messages": [{**EVENT, "payload": 7}], "more": True}
WHO = {"client": "c-1", "user": None, "profile": {}, "memberships": [{"room": "a", "channel": "b"}], "permissions": []}
CASES: list[tuple[str, Callable[[Bus], Any], dict[str, Any], Any, Callable[[Any], Any], Any]] = [
    ("ping", lambda bus: bus.ping(), {}, {"time": "now"}, str, "now"),
    ("status", lambda bus: bus.status(), {}, STATUS, lambda status: status.storage.backend, "memory"),
    (
        "help",
        lambda bus: bus.help("ping"),
        {"command": "ping"},
        {"commands": {"ping": {"args": {}, "result": {}, "permission": None}}},
        list,
        ["ping"],
    ),
    ("whoami", lambda bus: bus.whoami(), {}, WHO, lambda who: who.memberships[0].channel, "b"),
    (
        "set_profile",
        lambda bus: bus.set_profile(screen_name="Ana", data={"n": 1}),
        {"screen_name": "Ana", "data": {"n": 1}},
        {"screen_name": "Ana"},
        lambda profile: profile.screen_name,
        "Ana",
    ),
    (
        "create_channel",
        lambda bus: bus.create_channel("science:explore", Options(history_limit=5)),
        {"room": "science", "channel": "explore", "options": {"history_limit": 5}},
        INFO,
        lambda info: (info.kind, info.options.history_limit),
        ("user", 5),
    ),
    (
        "delete_channel",
        lambda bus: bus.delete_channel("science:explore", force=True),
        {"room": "science", "channel": "explore", "force": True},
        {},
        lambda nothing: nothing,
        None,
    ),
    (
        "list_rooms",
        lambda bus: bus.list_rooms(limit=2, cursor="x"),
        {"limit": 2, "cursor": "x"},
        {"rooms": [{"room": "science", "channels": 1, "members": 2}], "cursor": None},
        lambda page: page.rooms[0].members,
        2,
    ),
    (
        "list_channels",
        lambda bus: bus.list_channels("science"),
        {"room": "science"},
        {"channels": [INFO], "cursor": "y"},
        lambda page: (page.channels[0].seq, page.cursor),
        (3, "y"),
    ),
    (
        "channel_info",
        lambda bus: bus.channel_info("science:explore"),
        {"room": "science", "channel": "explore"},
        INFO,
        lambda info: info.epoch,
        "e1",
    ),
    (
        "members",
        lambda bus: bus.members("science", limit=1),
        {"room": "science", "limit": 1},
        {"members": [{"client": "c-1", "user": None, "profile": {}, "joined_at": "t"}], "count": 9, "cursor": None},
        lambda page: (page.members[0].client, page.count),
        ("c-1", 9),
    ),
    (
        "history",
        lambda bus: bus.history("science:explore", limit=1, after=2, order="asc", type=int),
        {"room": "science", "channel": "explore", "limit": 1, "after": 2, "order": "asc"},
        HISTORY,
        lambda page: (page.messages[0].data, page.messages[0].epoch, page.last_seq, page.more),
        (7, "e1", 3, True),
    ),
    ("explain", lambda bus: bus.explain(id="e1"), {"id": "e1"}, {"why": [1]}, lambda found: found, {"why": [1]}),
    (
        "kick",
        lambda bus: bus.kick("c-2", "spam"),
        {"client": "c-2", "reason": "spam"},
        {},
        lambda nothing: nothing,
        None,
    ),
    (
        "ack",
        lambda bus: bus.ack("science:explore", "workers", [1, 2]),
        {"room": "science", "channel": "explore", "group": "workers", "seqs": [1, 2]},
        {"acked": 2},
        int,
        2,
    ),
    (
        "ack",
        lambda bus: bus.ack("science:explore", "workers", [1], epoch="e", retry_after_s=1.5),
        {
            "room": "science",
            "channel": "explore",
            "group": "workers",
            "seqs": [1],
            "epoch": "e",
            "retry_after_ms": 1500,
        },
        {"acked": 1},
        int,
        1,
    ),
    (
        "group_info",
        lambda bus: bus.group_info("science:explore", "workers"),
        {"room": "science", "channel": "explore", "group": "workers"},
        {"room": "science", "channel": "explore", "group": "workers", "members": 2, "lag": 0},
        lambda report: (report.members, report.durable),
        (2, False),
    ),
    (
        "delete_group",
        lambda bus: bus.delete_group("science:explore", "workers"),
        {"room": "science", "channel": "explore", "group": "workers"},
        {},
        lambda nothing: nothing,
        None,
    ),
    ("refresh_token", lambda bus: bus.refresh_token("t"), {"token": "t"}, {"expires_at": "t"}, str, "t"),
]


@pytest.mark.parametrize(("name", "call", "args", "answer", "pick", "value"), CASES, ids=[case[0] for case in CASES])
async def test_a_command_sends_its_args_and_reads_its_answer(
    server: ScriptedServer,
    bus: Bus,
    name: str,
    call: Callable[[Bus], Any],
    args: dict[str, Any],
    answer: Any,
    pick: Callable[[Any], Any],
    value: Any,
) -> None:
    server.answers[name] = lambda frame: answer

    result = await call(bus)

    assert (await server.frame(name))["args"] == args
    assert pick(result) == value


def test_every_command_of_the_protocol_is_a_method() -> None:
    of_the_sdk_itself = {"connect", "join_channel", "leave_channel"}
    # set_will belongs to the bus: it remembers the will for the next connection.
    names = {name for name in vars(Commands) if not name.startswith("_")} | {"set_will"}

    assert set(COMMANDS) - of_the_sdk_itself <= names
    assert {case[0] for case in CASES} | {"command", "set_will"} == names


@pytest.mark.rules("R52")
async def test_a_command_that_is_refused_raises_the_error_of_its_code(server: ScriptedServer, bus: Bus) -> None:
    server.answers["create_channel"] = lambda frame: {"error": {"code": "already_exists"}}

    with pytest.raises(Conflict):
        await bus.create_channel("science:explore")


@pytest.mark.rules("R26")
async def test_a_command_may_have_a_limit_of_its_own(server: ScriptedServer, bus: Bus) -> None:
    with pytest.raises(OutcomeUnknown):
        await bus.status(timeout_s=0.01)


@pytest.mark.rules("R51")
async def test_an_answer_that_cannot_be_read_is_an_error_of_the_call(server: ScriptedServer, bus: Bus) -> None:
    server.answers["ping"] = lambda frame: {"time": 7}

    with pytest.raises(ClientError) as caught:
        await bus.ping()
    assert caught.value.code == "unreadable"


async def test_history_may_not_be_of_the_type_or_not_readable(server: ScriptedServer, bus: Bus) -> None:
    server.answers["history"] = lambda frame: {**HISTORY, "messages": [{**EVENT, "payload": "seven"}]}
    with pytest.raises(DecodeError):
        await bus.history("science:explore", type=int)

    server.answers["history"] = lambda frame: {**HISTORY, "messages": [{"type": "event"}]}
    with pytest.raises(ClientError, match="cannot be read"):
        await bus.history("science:explore")


def test_addresses_are_written_as_args() -> None:
    assert place("science") == {"room": "science"}
    assert place("science:explore") == {"room": "science", "channel": "explore"}
    assert single_place("science:*") == {"room": "science", "channel": "*"}


@pytest.mark.parametrize("address", ["", "science", "a:b:c", "no room:x", ":x"])
def test_what_is_no_channel_is_a_value_error(address: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        single_place(address)

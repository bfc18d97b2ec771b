"""Commands through the whole bus: strictly in order of one connection, each answered once."""

from typing import Any

import pytest

from tests.flow.world import World, settings


def test_commands_of_one_connection_are_answered_in_their_order() -> None:
    client = World().connect()

    client.post_command("join_channel", "k1", room="r", channel="c")
    client.post_command("ping", "k2")
    client.post_command("members", "k3", room="r", channel="c")
    client.post_command("nonsense", "k4")
    client.post_command("leave_channel", "k5", room="r", channel="c")
    client.post_command("whoami", "k6")
    client.world.run()

    assert client.answers() == [
        ("k1", "ok"),
        ("k2", "ok"),
        ("k3", "ok"),
        ("k4", "unknown_command"),
        ("k5", "ok"),
        ("k6", "ok"),
    ]


def test_what_follows_a_command_waits_for_its_answer() -> None:
    client = World().connect()

    client.post_command("join_channel", "k", room="r", channel="c")
    client.post_event("r", "c", 1, id="e", ack=True)
    client.post({"type": "private", "to": [client.id], "payload": 2})
    client.world.run()

    kinds = [message["type"] for message in client.take()]
    assert kinds[:2] == ["system", "response"]
    assert sorted(kinds[2:]) == ["event", "private", "response"]


def test_a_command_without_an_id_is_answered_with_null() -> None:
    client = World().connect()

    client.send({"type": "command", "command": "ping"})

    (answer,) = client.take()[1:]
    assert (answer["request_id"], answer["status"]) == (None, "ok")


def test_an_unknown_command_names_the_nearest() -> None:
    client = World().connect()

    error = client.command("join_chanel", room="r", channel="c")

    assert error == {
        "code": "unknown_command",
        "message": "no command of the name 'join_chanel', did you mean join_channel - at `$.command`",
        "retryable": False,
    }
    assert client.command("xyzzy" * 20)["message"].startswith("no command of the name 'xyzzyxyzzy")


def test_wrong_args_are_refused_with_their_path() -> None:
    client = World().connect()

    error = client.command("history", room="r", channel="c", limit=0)

    assert error["code"] == "invalid_args"
    assert "`$.args.limit`" in error["message"]


def test_ping_answers_the_time() -> None:
    world = World()
    world.advance(61.5)

    assert world.connect().command("ping") == {"time": "2026-11-21T19:01:01.500Z"}


def test_status_counts() -> None:
    world = World(settings(server__name="node-7"))
    client = world.member("r", "c")
    client.event("r", "c", 1)
    client.command("nonsense")
    world.advance(12.5)

    assert client.command("status") == {
        "server": "node-7",
        "version": "0.1.0",
        "uptime_s": 12.5,
        "connections": 1,
        "rooms": 2,
        "channels": 2,
        "messages_in": 1,
        "messages_out": 1,
        "errors": 1,
        "storage": {"backend": "memory", "state": "ok"},
        "draining": False,
    }


def test_whoami_shows_profile_memberships_and_permissions() -> None:
    client = World().connect(client_type="web")
    client.join("r", "c")
    client.join("r", "*")

    assert client.command("whoami") == {
        "client": client.id,
        "user": None,
        "profile": {"client_type": "web"},
        "memberships": [{"room": "r", "channel": "c"}, {"room": "r", "channel": "*"}],
        "permissions": ["publish", "subscribe", "create", "delete", "history", "presence", "broadcast", "private"],
    }


def test_a_profile_keeps_what_is_not_named_and_an_empty_text_takes_away() -> None:
    client = World().connect(client_type="web", screen_name="Ada")

    assert client.command("set_profile", avatar="a.png", data={"n": 1}) == {
        "client_type": "web",
        "screen_name": "Ada",
        "avatar": "a.png",
        "data": {"n": 1},
    }
    assert client.command("set_profile", client_type="", avatar="") == {"screen_name": "Ada", "data": {"n": 1}}


def test_others_see_a_new_profile() -> None:
    world = World()
    client, other = world.member("r", "c"), world.connect()
    client.command("set_profile", screen_name="Ada")

    page = other.command("members", room="r", channel="c")

    assert page == {
        "members": [
            {
                "client": client.id,
                "user": None,
                "profile": {"screen_name": "Ada"},
                "joined_at": "2026-11-21T19:00:00.000Z",
            }
        ],
        "count": 1,
        "cursor": None,
    }


def test_members_are_paged_by_client_of_a_channel_and_of_the_room() -> None:
    world = World()
    ids = sorted(world.member("r", "c").id for _ in range(5))
    asker = world.member("r", "d")

    first = asker.command("members", room="r", channel="c", limit=3)
    second = asker.command("members", room="r", channel="c", limit=3, cursor=first["cursor"])

    assert [member["client"] for member in first["members"] + second["members"]] == ids
    assert (first["count"], second["cursor"]) == (5, None)
    assert asker.command("members", room="r")["count"] == 6


def test_members_of_what_is_not_there_are_not_found() -> None:
    world = World()
    client = world.member("r", "c")

    assert client.command("members", room="nowhere")["code"] == "not_found"
    assert client.command("members", room="r", channel="nothing")["code"] == "not_found"


def test_rooms_are_paged_by_name() -> None:
    world = World()
    client = world.member("beta", "c")
    client.join("alpha", "one")
    client.join("alpha", "two")

    first = client.command("list_rooms", limit=2)
    second = client.command("list_rooms", limit=2, cursor=first["cursor"])

    assert first["rooms"] == [
        {"room": "_telemetry", "channels": 1, "members": 0},
        {"room": "alpha", "channels": 2, "members": 1},
    ]
    assert second == {"rooms": [{"room": "beta", "channels": 1, "members": 1}], "cursor": None}


def test_channels_are_listed_of_one_room_or_of_all() -> None:
    world = World()
    client = world.member("r", "two")
    client.join("r", "one")

    of_room = client.command("list_channels", room="r")
    of_all = client.command("list_channels", limit=2)

    assert [info["channel"] for info in of_room["channels"]] == ["one", "two"]
    assert of_room["channels"][0] == client.command("channel_info", room="r", channel="one")
    assert [info["channel"] for info in of_all["channels"]] == ["activity", "one"]
    assert of_all["cursor"] is not None
    assert client.command("list_channels", room="nowhere")["code"] == "not_found"
    assert client.command("list_channels", room="r:one")["code"] == "invalid_args"


def test_channel_info_tells_all_of_a_channel() -> None:
    world = World()
    client = world.connect()
    client.command("create_channel", room="r", channel="c", options={"history_limit": 5})
    epoch = client.join("r", "c")["epoch"]
    client.event("r", "c", 1)

    assert client.command("channel_info", room="r", channel="c") == {
        "room": "r",
        "channel": "c",
        "options": {
            "history_limit": 5,
            "history_ttl_s": 3600.0,
            "history_bytes": 4194304,
            "durable": False,
            "presence": False,
            "persistent": False,
        },
        "epoch": epoch,
        "seq": 1,
        "members": 1,
        "created_at": "2026-11-21T19:00:00.000Z",
        "created_by": client.id,
        "kind": "user",
    }


def test_a_channel_is_created_once() -> None:
    client = World(settings(channels__auto_create=False)).connect()

    info = client.command("create_channel", room="r", channel="c")

    assert (info["seq"], info["members"], info["kind"]) == (0, 0, "user")
    assert client.command("create_channel", room="r", channel="c")["code"] == "already_exists"


def test_a_durable_channel_is_unavailable_without_a_store_for_it() -> None:
    client = World().connect()

    error = client.command("create_channel", room="r", channel="c", options={"durable": True})

    assert (error["code"], error["retryable"]) == ("unavailable", True)


def test_names_of_the_server_are_not_for_clients_to_make_or_delete() -> None:
    client = World().connect()

    for command, room, channel in [
        ("create_channel", "_mine", "c"),
        ("create_channel", "r", "_mine"),
        ("delete_channel", "_telemetry", "activity"),
    ]:
        assert client.command(command, room=room, channel=channel)["code"] == "forbidden"


def test_all_of_a_room_is_no_channel_to_ask_about() -> None:
    client = World().member("r", "c")

    for command in ("create_channel", "delete_channel", "channel_info", "history", "members"):
        assert client.command(command, room="r", channel="*")["code"] == "invalid_args"


def test_help_describes_every_command() -> None:
    client = World().connect()

    commands = client.command("help")["commands"]

    assert len(commands) == 20
    assert commands["history"]["permission"] == "history"
    assert client.command("help", command="ping")["commands"] == {"ping": commands["ping"]}
    assert client.command("help", command="pong")["code"] == "not_found"


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("leave_channel", {"room": "r", "channel": "c"}),
        ("delete_channel", {"room": "r", "channel": "c"}),
        ("channel_info", {"room": "r", "channel": "c"}),
        ("history", {"room": "r", "channel": "c"}),
        ("members", {"room": "r"}),
    ],
)
def test_questions_about_nothing_make_nothing(command: str, args: dict[str, Any]) -> None:
    client = World().connect()

    assert client.command(command, **args)["code"] == "not_found"
    assert len(client.command("list_rooms")["rooms"]) == 1

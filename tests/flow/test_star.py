"""Members of a whole room: every channel of it, those made later from their first event on."""

from tests.flow.world import World, settings


def test_a_join_of_all_answers_the_position_of_each_channel() -> None:
    world = World()
    client = world.connect()
    client.event("r", "two", 1)
    client.event("r", "one", 1)
    client.event("r", "one", 2)

    result = client.join("r", "*")

    positions = {position["channel"]: position["seq"] for position in result.pop("positions")}
    assert positions == {"one": 2, "two": 1}
    assert result == {
        "room": "r",
        "channel": "*",
        "recovered": False,
        "reason": None,
        "replayed": 0,
        "members": 1,
    }


def test_a_join_of_all_of_an_empty_room_makes_it() -> None:
    client = World().connect()

    assert client.join("r", "*")["positions"] == []
    assert client.command("list_rooms")["rooms"][1] == {"room": "r", "channels": 0, "members": 1}


def test_a_join_of_all_of_an_unknown_room_is_not_found_where_none_are_made() -> None:
    client = World(settings(channels__auto_create=False)).connect()

    assert client.join("r", "*")["code"] == "not_found"


def test_channels_made_later_are_heard_from_their_first_event() -> None:
    world = World()
    star, other = world.member("r", "*"), world.connect()

    other.event("r", "new", "first")

    created, event = star.take()
    assert (created["event"], created["channel"], created["payload"]["created_by"]) == (
        "channel_created",
        "new",
        other.id,
    )
    assert (event["seq"], event["payload"]) == (1, "first")


def test_a_member_of_all_and_of_one_gets_its_events_once() -> None:
    world = World()
    client = world.connect()
    client.join("r", "c")
    client.join("r", "*")

    client.event("r", "c", 1)

    assert client.payloads() == [1]
    assert client.command("members", room="r", channel="c")["count"] == 1


def test_who_leaves_all_stays_in_what_it_joined_by_name() -> None:
    world = World()
    client, other = world.connect(), world.connect()
    client.join("r", "named")
    other.event("r", "unnamed", 0)
    client.join("r", "*")

    assert client.leave("r", "*") == {}
    other.event("r", "unnamed", "no")
    other.event("r", "named", "yes")
    other.event("r", "later", "no")

    assert client.payloads() == ["yes"]
    assert client.command("whoami")["memberships"] == [{"room": "r", "channel": "named"}]


def test_who_leaves_one_stays_in_it_as_a_member_of_all() -> None:
    world = World()
    client = world.connect()
    client.join("r", "c")
    client.join("r", "*")

    client.leave("r", "c")
    client.event("r", "c", 1)

    assert client.payloads() == [1]
    assert client.leave("r", "c")["code"] == "not_found"


def test_leaving_all_without_having_joined_is_not_found() -> None:
    world = World()
    world.member("r", "c")

    assert world.connect().leave("r", "*")["code"] == "not_found"


def test_joining_all_twice_changes_nothing() -> None:
    client = World().connect()
    client.join("r", "*")

    assert client.join("r", "*")["members"] == 1
    client.event("r", "c", 1)
    assert client.payloads() == [1]


def test_positions_cannot_be_recovered_for_all() -> None:
    client = World().connect()

    assert client.join("r", "*", replay=1)["code"] == "invalid_args"
    assert client.join("r", "*", since={"epoch": "e", "seq": 1})["code"] == "invalid_args"
    assert client.join("r", "*", replay=0)["channel"] == "*"


def test_a_deleted_channel_is_told_and_its_successor_heard() -> None:
    world = World()
    star, other = world.member("r", "*"), world.connect()
    other.event("r", "c", 1)
    star.take()

    other.command("delete_channel", room="r", channel="c", force=True)
    other.event("r", "c", 2)

    assert [message.get("event", message.get("payload")) for message in star.take()] == [
        "channel_deleted",
        "channel_created",
        2,
    ]


def test_leaving_all_while_a_channel_of_it_is_deleted_is_answered_once() -> None:
    world = World()
    star, other = world.member("r", "*"), world.connect()
    other.event("r", "c", 1)
    star.take()

    other.post_command("delete_channel", "d", room="r", channel="c", force=True)
    star.post_command("leave_channel", "l", room="r", channel="*")
    world.run()

    assert star.answers() == [("l", "ok")]


def test_joining_all_while_a_channel_of_it_is_deleted_is_answered_once() -> None:
    world = World()
    star, other = world.connect(), world.member("r", "c")
    other.event("r", "d", 1)

    other.post_command("delete_channel", "d", room="r", channel="c", force=True)
    star.post_command("join_channel", "j", room="r", channel="*")
    world.run()

    (answer,) = (m for m in star.take() if m["type"] == "response")
    assert [position["channel"] for position in answer["result"]["positions"]] == ["d"]


def test_a_member_of_all_that_is_gone_is_in_no_channel_made_later() -> None:
    world = World()
    star, other = world.member("r", "*"), world.member("r", "c")

    star.lose()
    other.event("r", "new", 1)

    assert other.command("members", room="r", channel="new")["count"] == 0
    assert other.command("members", room="r", channel="c")["count"] == 1


def test_members_of_all_keep_a_channel_from_being_idle() -> None:
    world = World()
    star, other = world.member("r", "*"), world.connect()
    other.event("r", "c", 1)

    world.advance(200)

    assert star.command("list_channels", room="r")["channels"][0]["members"] == 1


def test_the_room_of_a_member_of_all_stays_when_its_channels_are_gone() -> None:
    world = World()
    star, other = world.member("r", "*"), world.connect()
    other.event("r", "c", 1)
    other.command("delete_channel", room="r", channel="c", force=True)
    world.advance(200)

    other.event("r", "again", 2)

    assert star.payloads() == [1, 2]

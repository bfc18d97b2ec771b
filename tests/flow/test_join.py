"""Joining and leaving one channel, and what members are told of each other."""

from tests.flow.world import World, settings


def test_a_join_answers_the_position_of_an_empty_channel() -> None:
    client = World().connect()

    result = client.join("science", "explore")

    assert isinstance(result.pop("epoch"), str)
    assert result == {
        "room": "science",
        "channel": "explore",
        "seq": 0,
        "recovered": False,
        "reason": None,
        "replayed": 0,
        "members": 1,
    }


def test_a_join_answers_the_position_from_which_live_events_follow() -> None:
    world = World()
    first, second = world.member("science", "explore"), world.connect()
    first.event("science", "explore", "early")

    result = second.join("science", "explore")
    first.event("science", "explore", "late")

    assert (result["seq"], result["members"]) == (1, 2)
    assert [(event["seq"], event["payload"]) for event in second.events()] == [(2, "late")]


def test_room_and_channel_may_stand_in_one_field() -> None:
    result = World().connect().command("join_channel", room="science:explore")

    assert (result["room"], result["channel"]) == ("science", "explore")


def test_joining_twice_changes_nothing() -> None:
    client = World().connect()

    first = client.join("science", "explore")
    second = client.join("science", "explore")
    client.event("science", "explore", 1)

    assert first == second
    assert client.payloads() == [1]
    assert client.command("whoami")["memberships"] == [{"room": "science", "channel": "explore"}]


def test_a_missing_channel_is_not_found_where_it_is_not_made() -> None:
    client = World(settings(channels__auto_create=False)).connect()

    assert client.join("science", "explore")["code"] == "not_found"
    assert client.join("science", "explore", create=True)["seq"] == 0
    assert client.join("science", "other", create=False)["code"] == "not_found"


def test_the_join_can_say_no_to_making_the_channel() -> None:
    assert World().connect().join("science", "explore", create=False)["code"] == "not_found"


def test_the_servers_own_names_can_be_joined_but_not_made() -> None:
    client = World().connect()

    assert client.join("_telemetry", "activity")["seq"] == 0
    assert client.join("_telemetry", "other")["code"] == "not_found"
    assert client.join("science", "_own", create=True)["code"] == "not_found"


def test_after_leaving_nothing_comes() -> None:
    world = World()
    member, other = world.member("science", "explore"), world.connect()

    assert member.leave("science", "explore") == {}
    other.event("science", "explore", 1)

    assert member.payloads() == []
    assert member.command("whoami")["memberships"] == []


def test_leaving_what_was_not_joined_is_not_found() -> None:
    world = World()
    world.member("science", "explore")
    stranger = world.connect()

    assert stranger.leave("science", "explore")["code"] == "not_found"
    assert stranger.leave("nowhere", "explore")["code"] == "not_found"
    stranger.join("science", "other")
    assert stranger.leave("science", "explore")["code"] == "not_found"


def test_a_member_who_asked_is_told_of_joins_and_leaves_of_others_only() -> None:
    world = World()
    watcher = world.member("science", "explore", presence=True)
    silent = world.member("science", "explore")
    other = world.connect(screen_name="Other")

    other.join("science", "explore")
    other.leave("science", "explore")

    joined_first, joined, left = watcher.take()
    assert (joined_first["payload"]["client"], joined["event"], joined["room"]) == (
        silent.id,
        "member_joined",
        "science",
    )
    assert joined["payload"] == {
        "client": other.id,
        "user": None,
        "profile": {"screen_name": "Other"},
        "joined_at": "2026-11-21T19:00:00.000Z",
        "count": 3,
    }
    assert left["event"] == "member_left"
    assert left["payload"] == {"client": other.id, "user": None, "reason": "left", "count": 2}
    assert silent.told() == []


def test_all_members_are_told_in_a_channel_with_presence() -> None:
    world = World()
    maker = world.connect()
    maker.command("create_channel", room="science", channel="explore", options={"presence": True})
    maker.join("science", "explore")
    maker.take()

    world.connect().join("science", "explore")

    assert maker.told() == ["member_joined"]


def test_a_lost_connection_and_a_closed_one_are_told_apart() -> None:
    world = World()
    watcher = world.member("science", "explore", presence=True)
    for code in (1006, 1000, 1001):
        leaver = world.member("science", "explore")
        leaver.lose(code)

    left = [m["payload"]["reason"] for m in watcher.take() if m["event"] == "member_left"]
    assert left == ["lost", "left", "left"]


def test_a_client_that_is_gone_is_in_no_list() -> None:
    world = World()
    stays, goes = world.member("science", "explore"), world.member("science", "explore")

    goes.lose()

    assert stays.command("members", room="science", channel="explore")["count"] == 1
    assert stays.command("members", room="science")["count"] == 1
    assert stays.command("status")["connections"] == 1


def test_a_client_that_is_lost_while_it_joins_leaves_nothing_behind() -> None:
    world = World()
    stays, goes = world.member("science", "explore"), world.connect()

    goes.post_command("join_channel", "k", room="science", channel="explore")
    world.manual.run_round()
    goes.lose()

    assert stays.command("members", room="science", channel="explore")["count"] == 1


def test_one_more_membership_than_allowed_is_refused() -> None:
    client = World(settings(limits__memberships=2)).connect()
    client.join("r", "one")
    client.join("r", "*")

    error = client.join("r", "three")

    assert (error["code"], error["message"]) == (
        "limit_exceeded",
        "the client has 2 memberships, which is the most it may have",
    )
    client.leave("r", "one")
    assert client.join("r", "three")["members"] == 1


def test_one_more_channel_than_a_room_may_have_is_refused() -> None:
    client = World(settings(limits__channels_per_room=2)).connect()
    client.join("r", "one")
    client.join("r", "two")

    assert client.join("r", "three")["code"] == "limit_exceeded"
    assert client.command("create_channel", room="r", channel="three")["code"] == "limit_exceeded"
    client.event("r", "three", 1, id="e")
    assert client.answers()[-1] == ("e", "limit_exceeded")
    assert client.join("other", "three")["seq"] == 0


def test_one_more_room_than_the_server_may_have_is_refused_the_servers_own_aside() -> None:
    world = World(settings(limits__rooms=1))
    client = world.connect()
    client.join("one", "c")

    assert client.join("two", "c")["code"] == "limit_exceeded"
    client.event("two", "c", 1, id="e")
    assert client.answers()[-1] == ("e", "limit_exceeded")
    client.leave("one", "c")
    world.advance(61)
    assert client.join("two", "c")["seq"] == 0


def test_a_join_that_meets_the_forced_end_of_its_channel_is_not_lost() -> None:
    world = World()
    old, deleter, joiner = world.member("r", "c"), world.connect(), world.connect()
    old.event("r", "c", 1)

    deleter.post_command("delete_channel", "d", room="r", channel="c", force=True)
    joiner.post_command("join_channel", "j", room="r", channel="c")
    world.run()

    assert deleter.answers() == [("d", "ok")]
    assert joiner.answers() == [("j", "ok")]
    joiner.event("r", "c", "new")
    assert joiner.payloads() == ["new"]
    assert joiner.command("whoami")["memberships"] == [{"room": "r", "channel": "c"}]


def test_a_leave_that_meets_the_forced_end_of_its_channel_is_done() -> None:
    world = World()
    member, deleter = world.member("r", "c"), world.connect()

    deleter.post_command("delete_channel", "d", room="r", channel="c", force=True)
    member.post_command("leave_channel", "l", room="r", channel="c")
    world.run()

    assert member.answers() == [("l", "ok")]
    assert member.command("whoami")["memberships"] == []

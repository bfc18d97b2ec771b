"""Resuming: one connect brings a client back, as who it was and with what it missed; others notice nothing."""

from typing import Any

import pytest

from tests.flow.world import Client, World, settings

GRACE = {"server__resume_grace_s": 10.0}


def resumed(client: Client, *places: tuple[str, str, str, int], ticket: str | None = None, **args: Any) -> Any:
    """Send connect as the first message; give its result."""
    positions = [{"room": r, "channel": c, "epoch": e, "seq": s} for r, c, e, s in places]
    resume = {"positions": positions, **({"ticket": ticket} if ticket else {})}
    return client.command("connect", resume=resume, **args)


def after_answer(client: Client) -> list[Any]:
    """Payloads of the events behind the answer to connect."""
    said = client.received()
    start = next(i for i, m in enumerate(said) if m["type"] == "response")
    assert not [m for m in said[:start] if m["type"] == "event"]
    return [m["payload"] for m in said[start:] if m["type"] == "event"]


def test_positions_alone_join_all_channels_with_what_followed() -> None:
    world = World()
    sender = world.connect()
    epochs = {c: sender.join("r", c)["epoch"] for c in ("a", "b")}
    for n in range(3):
        sender.event("r", "a", f"a{n}")
        sender.event("r", "b", f"b{n}")

    client = world.connect()
    result = resumed(client, ("r", "a", epochs["a"], 1), ("r", "b", epochs["b"], 3))

    assert result["resumed"] == [
        {"room": "r", "channel": "a", "epoch": epochs["a"], "seq": 3, "recovered": True},
        {"room": "r", "channel": "b", "epoch": epochs["b"], "seq": 3, "recovered": True},
    ]
    assert after_answer(client) == ["a1", "a2"]
    sender.event("r", "a", "live")
    assert after_answer(client) == ["a1", "a2", "live"]
    assert {(m["room"], m["channel"]) for m in client.command("whoami")["memberships"]} == {("r", "a"), ("r", "b")}


def test_a_ticket_keeps_the_id_the_memberships_and_the_profile() -> None:
    world = World(settings(**GRACE))
    watcher, lost, sender = world.member("r", "c", presence=True), world.member("r", "c"), world.connect()
    lost.command("set_profile", screen_name="Ada")
    epoch = lost.join("r", "c")["epoch"]
    ticket = lost.ticket
    watcher.take()
    sender.event("r", "c", 1)
    lost.lose()
    sender.event("r", "c", 2)
    sender.event("r", "c", 3)

    back = world.connect()
    result = resumed(back, ("r", "c", epoch, 1), ticket=ticket)

    assert result["client"] == lost.id
    assert result["resumed"] == [{"room": "r", "channel": "c", "epoch": epoch, "seq": 3, "recovered": True}]
    assert after_answer(back) == [2, 3]
    assert back.command("whoami")["profile"] == {"screen_name": "Ada"}
    assert watcher.command("members", room="r", channel="c")["count"] == 2
    world.advance(60)
    assert [m["event"] for m in watcher.take() if m["type"] == "system"] == []
    assert not lost.session.alive


def test_a_membership_without_a_position_comes_back_without_a_replay() -> None:
    world = World(settings(**GRACE))
    lost = world.member("r", "c")
    ticket = lost.ticket
    lost.event("r", "c", 1)
    lost.lose()

    (entry,) = resumed(world.connect(), ticket=ticket)["resumed"]

    assert (entry["channel"], entry["seq"], entry["recovered"]) == ("c", 1, False)


def test_the_old_connection_is_closed_with_4504_and_its_late_end_hurts_nobody() -> None:
    world = World(settings(**GRACE))
    old, sender = world.member("r", "c"), world.connect()
    epoch = old.join("r", "c")["epoch"]

    new = world.connect()
    resumed(new, ("r", "c", epoch, 0), ticket=old.ticket)
    assert old.close_code == 4504
    old.lose()
    world.advance(60)
    sender.event("r", "c", "still there")

    assert after_answer(new) == ["still there"]
    assert old.payloads() == []
    assert sender.command("members", room="r", channel="c")["count"] == 1


@pytest.mark.proves("006/SC-001")
def test_a_client_may_come_back_again_and_again() -> None:
    world = World(settings(**GRACE))
    first = world.member("r", "c")
    epoch, sender, client = first.join("r", "c")["epoch"], world.connect(), first
    for n in range(5):
        sender.event("r", "c", n)
        client.lose()
        ticket, client = client.ticket, world.connect()
        result = resumed(client, ("r", "c", epoch, n), ticket=ticket)
        assert result["client"] == first.id
        assert after_answer(client) == [n]

    assert sender.command("members", room="r")["count"] == 1
    assert sender.command("status")["connections"] == 2


def test_two_connections_with_one_ticket_leave_the_later_one() -> None:
    world = World(settings(**GRACE))
    lost, sender = world.member("r", "c"), world.connect()
    epoch, ticket = lost.join("r", "c")["epoch"], lost.ticket
    lost.lose()
    one, two = world.connect(), world.connect()
    position = {"room": "r", "channel": "c", "epoch": epoch, "seq": 0}
    for client in (one, two):
        client.post_command("connect", "k", resume={"ticket": ticket, "positions": [position]})
    world.run()

    sender.event("r", "c", "live")

    assert one.close_code == 4504
    assert after_answer(two) == ["live"]
    assert sender.command("members", room="r", channel="c")["count"] == 1


def test_past_the_grace_the_client_is_gone_and_its_ticket_continues_nobody() -> None:
    world = World(settings(**GRACE))
    watcher, lost = world.member("r", "c", presence=True), world.member("r", "c")
    epoch, ticket = lost.join("r", "c")["epoch"], lost.ticket
    watcher.take()
    lost.lose()
    world.advance(9)
    assert watcher.told() == []
    world.advance(2)
    (left,) = watcher.take()
    assert (left["event"], left["payload"]["reason"]) == ("member_left", "lost")

    result = resumed(world.connect(), ("r", "c", epoch, 0), ticket=ticket)

    assert result["client"] != lost.id
    assert [entry["recovered"] for entry in result["resumed"]] == [True]


def test_no_more_clients_are_kept_away_than_may_be_connected() -> None:
    world = World(settings(limits__connections=2, **GRACE))
    clients = [world.member("r", "c") for _ in range(3)]

    for client in clients:
        client.lose()

    assert [client.session.alive for client in clients] == [True, True, False]


@pytest.mark.parametrize("code", [1000, 1001])
def test_a_clean_end_has_no_grace(code: int) -> None:
    world = World(settings(**GRACE))
    client = world.member("r", "c")

    client.lose(code)

    assert not client.session.alive


@pytest.mark.parametrize("forge", [lambda t: t[:-1] + ("0" if t[-1] != "0" else "1"), lambda t: "x", lambda t: "c-1.é"])
def test_a_forged_ticket_continues_nobody(forge: Any) -> None:
    world = World(settings(**GRACE))
    victim = world.member("r", "c")

    result = resumed(world.connect(), ticket=forge(victim.ticket))

    assert result["client"] != victim.id
    assert result["resumed"] == []
    assert victim.close_code is None


def test_a_ticket_of_another_user_continues_nobody() -> None:
    world = World(settings(auth__keys={"ada": "key-of-ada", "eve": "key-of-eve"}, **GRACE))
    ada = world.connect(token="key-of-ada")

    result = resumed(world.connect(), ticket=ada.ticket, token="key-of-eve")

    assert result["user"] == "eve"
    assert result["client"] != ada.id
    assert ada.close_code is None


def test_who_is_away_is_absent_to_private_messages_and_there_again_after() -> None:
    world = World(settings(**GRACE))
    lost, sender = world.member("r", "c"), world.connect()
    ticket, name = lost.ticket, lost.id

    def private() -> Any:
        sender.n_sent += 1
        message_id = f"p{sender.n_sent}"
        sender.send({"type": "private", "to": [name], "payload": "hi", "ack": True, "id": message_id})
        return sender._answer_to(message_id)

    lost.lose()
    assert private() == {"delivered": 0, "absent": [name]}
    back = world.connect()
    resumed(back, ticket=ticket)

    assert private() == {"delivered": 1, "absent": []}
    assert [m["payload"] for m in back.received() if m["type"] == "private"] == ["hi"]


def test_members_of_the_whole_room_recover_each_channel() -> None:
    world = World(settings(**GRACE))
    sender, lost = world.connect(), world.connect()
    for channel in ("a", "b"):
        sender.event("r", channel, "old")
    places = {p["channel"]: p for p in lost.join("r", "*")["positions"]}
    ticket = lost.ticket
    lost.lose()
    for channel in ("a", "b", "new"):
        sender.event("r", channel, f"missed {channel}")

    back = world.connect()
    asked = [("r", channel, place["epoch"], place["seq"]) for channel, place in places.items()]
    result = resumed(back, *asked, ticket=ticket)
    sender.event("r", "a", "live")

    assert [(e["channel"], e["recovered"]) for e in sorted(result["resumed"], key=lambda e: e["channel"])] == [
        ("a", True),
        ("b", True),
        ("new", False),
    ]
    assert sorted(after_answer(back)) == ["live", "missed a", "missed b"]
    assert back.command("whoami")["memberships"] == [{"room": "r", "channel": "*"}]


def test_an_event_sent_again_after_the_resume_is_a_duplicate() -> None:
    world = World(settings(**GRACE))
    lost = world.member("r", "c")
    lost.event("r", "c", "once", id="a1")
    ticket = lost.ticket
    lost.lose()
    back = world.connect()
    resumed(back, ticket=ticket)

    back.event("r", "c", "once", id="a1", ack=True)

    assert back._answer_to("a1")["duplicate"] is True


def test_what_cannot_be_joined_is_told_with_its_code() -> None:
    world = World(settings(channels__auto_create=False))

    result = resumed(world.connect(), ("r", "gone", "e1", 3))

    assert result["resumed"] == [
        {"room": "r", "channel": "gone", "epoch": "e1", "seq": 3, "recovered": False, "reason": "not_found"}
    ]


def test_another_epoch_is_told() -> None:
    world = World()
    world.member("r", "c")

    (entry,) = resumed(world.connect(), ("r", "c", "other", 3))["resumed"]

    assert (entry["recovered"], entry["reason"]) == (False, "epoch_changed")


def test_what_is_sent_behind_connect_waits_for_it() -> None:
    world = World()
    sender = world.connect()
    epoch = sender.join("r", "c")["epoch"]
    client = world.connect()
    position = {"room": "r", "channel": "c", "epoch": epoch, "seq": 0}
    client.post_command("connect", "k", resume={"positions": [position]})
    client.post_event("r", "c", "mine", id="e", ack=True)
    client.post_command("whoami", "w")
    world.run()

    assert [request_id for request_id, _ in client.answers()] == ["k", "e", "w"]
    assert after_answer(client) == ["mine"]


def test_a_position_without_a_name_is_refused_and_the_client_stays() -> None:
    client = World().connect()

    error = resumed(client, ("r", "no name", "e1", 0))

    assert error["code"] == "invalid_args"
    assert client.command("ping")["time"]


def test_a_slow_consumer_may_come_back_and_recover() -> None:
    world = World(settings(limits__outbox_messages=2, **GRACE))
    slow, sender = world.member("r", "c"), world.connect()
    epoch, ticket = slow.join("r", "c")["epoch"], slow.ticket
    slow.socket.is_congested = True
    for n in range(6):
        sender.event("r", "c", n)
    assert slow.close_code == 4100

    back = world.connect()
    resumed(back, ("r", "c", epoch, 1), ticket=ticket)

    assert after_answer(back) == [1, 2, 3, 4, 5]


def test_a_client_that_is_lost_again_while_it_resumes_leaves_nothing_behind() -> None:
    world = World(settings(**GRACE))
    lost, sender = world.member("r", "c"), world.connect()
    epoch, ticket = lost.join("r", "c")["epoch"], lost.ticket
    lost.lose()
    back = world.connect()
    position = {"room": "r", "channel": "c", "epoch": epoch, "seq": 0}
    back.post_command("connect", "k", resume={"ticket": ticket, "positions": [position]})
    for _ in range(2):
        world.manual.run_round()
    back.lose()
    world.advance(60)

    assert sender.command("status")["connections"] == 1
    assert sender.command("list_rooms")["rooms"][-1]["members"] == 0


@pytest.mark.parametrize("order", [lambda n: 0, lambda n: n - 1])
@pytest.mark.parametrize("n_turns", range(16))
def test_whenever_it_is_lost_again_while_it_resumes_no_member_is_left(n_turns: int, order: Any) -> None:
    world = World(settings(**GRACE), order=order)
    lost, sender = world.member("r", "c"), world.connect()
    ticket = lost.ticket
    lost.lose()
    back = world.connect()
    back.post_command("connect", "k", resume={"ticket": ticket})
    for _ in range(n_turns):
        world.manual.run_round()

    back.session.stop("whatever")
    world.advance(60)

    sender.join("r", "c")
    assert sender.command("members", room="r", channel="c")["count"] == 1
    assert sender.command("channel_info", room="r", channel="c")["members"] == 1

"""Wills: published when a client is lost for good, and only then; once, in its place, by the normal path."""

from __future__ import annotations

import logging
from random import Random
from typing import Any

import msgspec
import pytest

from arqonbus.routing.mail import DrainAll, Lost
from arqonbus.routing.socket import Hello
from tests.flow.world import Client, World, settings

GRACE = {"server__resume_grace_s": 10.0}
WILL = {"room": "r", "channel": "c", "payload": "gone"}


def heir(world: World, **will: Any) -> Client:
    """A member of r:c that has a will."""
    client = world.member("r", "c")
    assert client.command("set_will", will=WILL | will) == {}
    client.take()
    return client


def resume(world: World, ticket: str, **args: Any) -> Client:
    client = world.connect()
    assert "resumed" in client.command("connect", resume={"ticket": ticket}, **args)
    return client


def test_the_will_of_a_lost_client_is_an_event_from_it() -> None:
    world = World()
    member, lost = world.member("r", "c"), heir(world, metadata={"k": 1}, payload=[1.10])

    lost.lose()

    (event,) = member.events()
    assert (event["from"], event["seq"], event["payload"], event["metadata"]) == (lost.id, 1, [1.10], {"k": 1})
    assert isinstance(event["id"], str)
    assert member.command("history", room="r", channel="c")["messages"] == [event]


def test_connect_brings_a_will_too() -> None:
    world = World()
    member, lost = world.member("r", "c"), world.connect()
    assert lost.command("connect", will=WILL)["client"] == lost.id

    lost.lose()

    assert member.payloads() == ["gone"]


def test_members_are_told_that_it_left_before_its_will_comes() -> None:
    for seed in range(50):
        random = Random(seed)
        world = World(order=lambda n, random=random: random.randrange(n))  # type: ignore[misc]
        watcher, lost = world.member("r", "c", presence=True), heir(world)
        lost.post_event("r", "c", "last words")
        watcher.take()

        lost.lose()

        said = [m.get("payload") if m["type"] == "event" else m["event"] for m in watcher.take()]
        assert sorted(said[:2]) == ["last words", "member_left"]
        assert said[2:] == ["gone"]


@pytest.mark.parametrize("code", [1002, 1006, 1007, 1009, 4103])
def test_it_waits_for_the_end_of_the_grace(code: int) -> None:
    world = World(settings(**GRACE))
    member, lost = world.member("r", "c"), heir(world)

    lost.lose(code)
    world.advance(9)
    assert member.payloads() == []
    world.advance(2)

    assert member.payloads() == ["gone"]
    world.advance(60)
    assert member.payloads() == ["gone"]


@pytest.mark.parametrize("code", [1000, 1001])
@pytest.mark.parametrize("grace_s", [0.0, 10.0])
def test_a_client_that_closes_cleanly_has_none(code: int, grace_s: float) -> None:
    world = World(settings(server__resume_grace_s=grace_s))
    member, gone = world.member("r", "c"), heir(world)

    gone.lose(code)
    world.advance(60)

    assert member.payloads() == []


def test_a_slow_client_that_does_not_come_back_has_its_will_done() -> None:
    world = World(settings(limits__outbox_messages=2, **GRACE))
    member, slow = world.member("r", "c"), heir(world)
    slow.socket.is_congested = True
    for n in range(6):
        member.event("r", "c", n)
    assert slow.close_code == 4100
    world.advance(9)
    assert member.payloads()[6:] == []

    world.advance(2)

    assert member.payloads()[6:] == ["gone"]


def test_a_client_that_sends_nonsense_is_lost_at_once() -> None:
    world = World(settings(limits__invalid_envelopes=2, **GRACE))
    member, broken = world.member("r", "c"), heir(world)

    for _ in range(3):
        broken.send(b"{")

    assert broken.close_code == 4500
    assert member.payloads() == ["gone"]


def test_a_client_that_is_kicked_has_its_will_done_and_one_that_is_drained_has_not() -> None:
    world = World()
    member, kicked, drained = world.member("r", "c"), heir(world, payload="kicked"), heir(world, payload="drained")

    kicked.session.stop("kicked")
    drained.session.stop("drained")
    world.run()

    assert member.payloads() == ["kicked"]


def test_a_server_that_goes_does_no_wills() -> None:
    world = World(settings(**GRACE))
    member, drained, away = world.member("r", "c"), heir(world), heir(world)
    away.lose()

    world.bus.registry.signal(DrainAll(2_000, 1_000))
    world.advance(2)

    assert (drained.close_code, drained.session.alive) == (4000, False)
    assert member.payloads() == []


def test_a_session_that_the_supervisor_ends_has_its_will_done() -> None:
    world = World()
    member, broken = world.member("r", "c"), heir(world)
    broken.socket.is_broken = True

    for n in range(8):
        member.event("r", "c", n)

    assert not broken.session.alive
    assert member.payloads().count("gone") == 1


def test_where_no_more_clients_may_be_away_the_one_too_many_has_its_will_done() -> None:
    world = World(settings(limits__connections=1, **GRACE))
    member, first, second = world.member("r", "c"), heir(world, payload="first"), heir(world, payload="second")

    first.lose()
    second.lose()

    assert member.payloads() == ["second"]


def test_the_newest_will_counts_and_null_takes_it_back() -> None:
    world = World()
    member, changed, cleared = world.member("r", "c"), heir(world), heir(world)
    changed.command("set_will", will=WILL | {"payload": "newer"})
    assert cleared.command("set_will", will=None) == {}

    changed.lose()
    cleared.lose()

    assert member.payloads() == ["newer"]


def test_a_refused_will_leaves_the_one_before() -> None:
    world = World(settings(limits__will_bytes=10))
    member, lost = world.member("r", "c"), heir(world)

    assert lost.command("set_will", will=WILL | {"payload": "x" * 9})["code"] == "too_large"
    assert lost.command("set_will", will=WILL | {"room": "_own"})["code"] == "forbidden"
    lost.lose()

    assert member.payloads() == ["gone"]


def test_a_will_that_is_too_large_is_refused_with_connect_and_the_client_stays() -> None:
    world = World(settings(limits__will_bytes=5))
    client = world.connect()

    error = client.command("connect", will=WILL)

    assert (error["code"], client.socket.closed) == ("too_large", None)
    assert client.command("whoami")["client"] == client.id


def test_a_will_comes_along_and_is_done_once_when_all_is_over() -> None:
    world = World(settings(**GRACE))
    member, client = world.member("r", "c"), heir(world)
    ticket = client.ticket
    for _ in range(3):
        client.lose()
        world.advance(5)
        client = resume(world, ticket)
        world.advance(20)
    assert member.payloads() == []

    client.lose()
    world.advance(60)

    assert [(event["from"], event["payload"]) for event in member.events()] == [(ticket.partition(".")[0], "gone")]


def test_a_return_may_bring_another_will() -> None:
    world = World(settings(**GRACE))
    member, client = world.member("r", "c"), heir(world)
    ticket = client.ticket
    client.lose()

    back = resume(world, ticket, will=WILL | {"payload": "newer"})
    back.lose()
    world.advance(60)

    assert member.payloads() == ["newer"]


def test_a_connection_that_is_replaced_says_nothing() -> None:
    world = World(settings(**GRACE))
    member, old = world.member("r", "c"), heir(world)

    new = resume(world, old.ticket)
    assert old.close_code == 4504
    old.lose()
    world.advance(60)
    assert member.payloads() == []
    new.lose(1000)
    world.advance(60)

    assert member.payloads() == []


@pytest.mark.parametrize("n_rounds", range(12))
def test_a_return_that_breaks_off_has_the_will_done_once(n_rounds: int) -> None:
    world = World(settings(**GRACE))
    member, lost = world.member("r", "c"), heir(world)
    ticket = lost.ticket
    lost.lose()
    back = Client(world, Hello("192.0.2.1"))
    back.post_command("connect", "k", resume={"ticket": ticket})
    for _ in range(n_rounds):
        world.manual.run_round()
    back.lose()
    world.advance(60)

    assert member.payloads() == ["gone"]


def test_two_returns_with_one_ticket_leave_one_will() -> None:
    for seed in range(100):
        random = Random(seed)
        world = World(settings(**GRACE), order=lambda n, random=random: random.randrange(n))  # type: ignore[misc]
        member, lost = world.member("r", "c"), heir(world)
        ticket = lost.ticket
        lost.lose()
        one, two = world.connect(), world.connect()
        for client in (one, two):
            client.post_command("connect", "k", resume={"ticket": ticket})
            for _ in range(random.randrange(12)):
                world.manual.run_round()
        random.choice((one, two)).session.signal(Lost(1006, ""))
        world.advance(60)
        for client in (one, two):
            client.lose()
        world.advance(60)

        assert member.payloads() == ["gone"]


def test_a_channel_that_is_not_there_is_made_for_it_where_channels_are_made() -> None:
    world = World()
    lost = heir(world, room="new", channel="made")

    lost.lose()

    (message,) = world.connect().command("history", room="new", channel="made")["messages"]
    assert message["payload"] == "gone"


def test_a_will_to_a_channel_that_nobody_may_make_is_logged_and_that_is_all(caplog: pytest.LogCaptureFixture) -> None:
    world = World(settings(channels__auto_create=False))
    lost, other = world.connect(), world.connect()
    other.join("r", "there", create=True)
    for room in ("nowhere", "r"):
        lost.command("set_will", will={"room": room, "channel": "missing"})
        with caplog.at_level(logging.WARNING, "arqonbus"):
            lost.lose()
        lost = world.connect()

    assert [record.getMessage().split()[0] for record in caplog.records] == ["will_not_published"] * 2
    assert world.bus.system.statistics().failures == 0
    assert other.command("list_channels")["channels"][-1]["channel"] == "there"


def test_a_will_that_meets_the_end_of_its_channel_finds_the_next_one() -> None:
    found = []
    for n_rounds in range(12):
        world = World()
        deleter, lost = world.connect(), heir(world)
        lost.session.signal(Lost(1006, ""))
        for _ in range(n_rounds):
            world.manual.run_round()
        deleter.command("delete_channel", room="r", channel="c", force=True)
        page = deleter.command("history", room="r", channel="c")
        found.append([message["payload"] for message in page.get("messages", [])])
        assert world.bus.system.statistics().failures == 0

    assert ["gone"] in found  # published behind the end of the channel
    assert [] in found  # published before it, and gone with it


def test_a_will_needs_no_copy_of_the_message_that_brought_it() -> None:
    world = World()
    client = heir(world)

    card = world.bus.directory.client(client.id)

    assert card is not None and card.will is not None
    assert msgspec.json.encode(card.will.payload) == b'"gone"'

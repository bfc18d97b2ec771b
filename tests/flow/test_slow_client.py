"""Clients that do not read: bounded in bytes, messages and time, closed with 4100, and nobody else's trouble."""

import sys

from arqonbus.routing.mail import Deliver
from tests.flow.world import Client, World, settings


def congested(world: World, room: str = "r", channel: str = "c") -> Client:
    """A member whose socket took its last write already."""
    client = world.member(room, channel)
    client.socket.is_congested = True
    world.connect().event(room, channel, "the last one written")
    client.socket.buffered = 0
    return client


def publish(world: World, n: int, payload: str = "x") -> None:
    publisher = world.connect()
    for _ in range(n):
        publisher.event("r", "c", payload)


def test_what_a_congested_client_cannot_take_waits_and_comes_when_it_reads() -> None:
    world = World()
    slow = congested(world)
    publish(world, 5)
    assert slow.payloads() == ["the last one written"]

    slow.drain()

    assert [event["seq"] for event in slow.events()] == [1, 2, 3, 4, 5, 6]
    assert slow.socket.closed is None


def test_what_waited_is_written_in_one_piece() -> None:
    world = World()
    slow = congested(world)
    publish(world, 5)
    before = slow.socket.n_writes

    slow.drain()

    assert slow.socket.n_writes == before + 1


def test_one_more_message_than_allowed_closes_with_4100() -> None:
    world = World(settings(limits__outbox_messages=10))
    slow = congested(world)

    publish(world, 10)
    assert slow.socket.closed is None
    publish(world, 1)

    assert slow.socket.closed == (4100, "slow consumer")
    assert not slow.session.alive
    assert world.bus.counters.slow_consumers == 1


def test_more_bytes_than_allowed_close_with_4100() -> None:
    world = World(settings(limits__outbox_bytes=10_000, limits__outbox_soft_bytes=10_000, limits__message_bytes=5000))
    slow = congested(world)

    publish(world, 8, "x" * 1000)
    assert slow.socket.closed is None
    publish(world, 1, "x" * 1000)

    assert slow.close_code == 4100


def test_bytes_that_the_transport_holds_count_for_the_soft_bound_only() -> None:
    world = World(settings(limits__outbox_bytes=10_000, limits__outbox_soft_bytes=10_000, limits__message_bytes=5000))
    slow = congested(world)
    slow.socket.buffered = 9_500

    publish(world, 1, "x" * 1000)
    assert slow.socket.closed is None

    world.advance(7)
    assert slow.close_code == 4100


def test_a_message_that_waits_for_too_long_closes_with_4100() -> None:
    world = World(settings(limits__outbox_age_s=10.0))
    slow = congested(world)
    publish(world, 1)

    world.advance(9)
    assert slow.socket.closed is None
    world.advance(3)

    assert slow.close_code == 4100


def test_more_bytes_than_the_soft_bound_are_borne_for_a_while_only() -> None:
    world = World(settings(limits__outbox_soft_bytes=3_000, limits__outbox_soft_s=5.0, limits__outbox_age_s=60.0))
    slow = congested(world)
    publish(world, 4, "x" * 1000)

    world.advance(4)
    assert slow.socket.closed is None
    world.advance(2)

    assert slow.close_code == 4100


def test_a_client_that_reads_in_time_begins_with_a_clean_record() -> None:
    world = World(settings(limits__outbox_soft_bytes=3_000, limits__outbox_soft_s=5.0))
    slow = congested(world)
    for _ in range(4):
        publish(world, 4, "x" * 1000)
        world.advance(4)
        slow.drain()
        slow.socket.is_congested = True
        publish(world, 1)
        slow.socket.buffered = 0

    assert slow.socket.closed is None


def test_below_all_bounds_a_congested_client_with_nothing_to_get_stays() -> None:
    world = World(settings(limits__outbox_age_s=10.0))
    slow = congested(world)

    world.advance(100)

    assert slow.socket.closed is None


def test_others_are_not_touched_by_a_slow_one() -> None:
    world = World(settings(limits__outbox_messages=10))
    fast, slow = world.member("r", "c"), congested(world)

    publish(world, 50)

    assert slow.close_code == 4100
    assert len(fast.payloads()) == 51
    assert fast.socket.closed is None


def test_a_slow_client_is_out_of_its_channels() -> None:
    world = World(settings(limits__outbox_messages=10))
    watcher = world.member("r", "c", presence=True)
    congested(world)
    watcher.take()

    publish(world, 11)

    left = [m["payload"]["reason"] for m in watcher.take() if m.get("event") == "member_left"]
    assert left == ["lost"]
    assert watcher.command("members", room="r", channel="c")["count"] == 1


def test_a_slow_client_that_comes_back_recovers_what_it_missed() -> None:
    world = World(settings(limits__outbox_messages=10))
    slow = congested(world)
    publish(world, 11)
    last = slow.events()[-1]

    back = world.connect()
    epoch = back.command("channel_info", room="r", channel="c")["epoch"]
    result = back.join("r", "c", since={"epoch": epoch, "seq": last["seq"]})

    assert result["recovered"] is True
    assert [event["seq"] for event in back.events()] == list(range(2, 13))


def test_the_bytes_that_waited_for_a_slow_client_are_freed() -> None:
    world = World(settings(limits__outbox_messages=10))
    slow = congested(world)
    deliver = Deliver(b"\x81\x01x" * 11, (b"x",) * 11)
    n_holders = sys.getrefcount(deliver)

    slow.session.signal(deliver)
    world.run()

    assert slow.close_code == 4100
    assert sys.getrefcount(deliver) == n_holders


def test_a_refused_client_that_is_congested_is_closed_all_the_same() -> None:
    world = World(settings(limits__invalid_envelopes=1))
    slow = congested(world)

    slow.send(b"[]")
    slow.send(b"[]")

    assert slow.close_code == 4500


def test_commands_of_a_congested_client_are_answered_when_it_reads() -> None:
    world = World()
    slow = congested(world)
    slow.take()

    slow.post_command("ping", "p1")
    slow.post_command("ping", "p2")
    world.run()
    assert slow.answers() == []
    slow.drain()

    assert slow.answers() == [("p1", "ok"), ("p2", "ok")]

"""Races between mail of different lanes and actors: what overtakes what, and that nothing is lost by it."""

from collections.abc import Sequence

from arqonbus.routing.mail import Deliver, Lost, Writable
from tests.flow.world import World, settings


def test_an_emptied_channel_stays_for_its_time_though_its_last_event_is_older() -> None:
    """The time counts from the last moment with a member, not from the last event."""
    world = World()
    client = world.connect()
    client.event("r", "c", 1)
    client.join("r", "c")
    world.advance(100)
    client.leave("r", "c")

    world.advance(1)

    assert len(client.command("list_channels")["channels"]) == 2


def test_a_join_that_is_read_after_its_clients_end_leaves_no_ghost() -> None:
    """Drop comes by the control lane and overtakes a Join that waits in a long user lane."""
    world = World()
    stays, goes, other = world.member("r", "c"), world.connect(), world.connect()
    publishers = [world.connect() for _ in range(40)]
    for publisher in publishers:
        publisher.event("r", "c", 0)
    write = other.socket.write

    def write_and_lose(chunk: bytes, texts: Sequence[bytes]) -> bool:
        goes.session.signal(Lost(1006, ""))
        return write(chunk, texts)

    other.socket.write = write_and_lose
    for publisher in publishers:
        for n in range(60):
            publisher.post_event("r", "c", n)
    goes.post_command("join_channel", "j", room="r", channel="c")
    other.post_command("ping", "p")
    world.run()

    assert stays.command("members", room="r", channel="c")["count"] == 1


def test_what_comes_in_the_turn_of_a_writable_is_not_lost() -> None:
    """A turn that writes what waited goes on to take what comes after."""
    world = World()
    slow, publisher = world.member("r", "c"), world.connect()
    slow.socket.is_congested = True
    publisher.event("r", "c", 1)
    publisher.event("r", "c", 2)
    publisher.event("r", "c", 3)
    slow.socket.is_congested = False
    slow.session.signal(Writable())
    slow.session.signal(Deliver(b"\x81\x014", (b"4",)))
    world.run()

    assert slow.socket.texts[-1] == b"4"


def test_joining_again_at_the_bound_of_memberships_is_answered_like_the_first_time() -> None:
    client = World(settings(limits__memberships=1)).connect()
    client.join("r", "c")

    assert client.join("r", "c").get("code") is None


def test_after_leaving_all_nothing_comes() -> None:
    """The room answers once all of its channels have read the leave."""
    world = World()
    star = world.member("r", "*")
    others = [world.connect() for _ in range(5)]
    for publisher in others:
        publisher.event("r", "c", 0)
    star.take()
    for publisher in others:
        for n in range(60):
            publisher.post_event("r", "c", n)
    star.post_command("leave_channel", "l", room="r", channel="*")
    world.run()

    assert star.take()[-1]["type"] == "response"

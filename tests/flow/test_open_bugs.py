"""Open bugs in session.py, channel.py and outbox.py, as failing tests. Copy to tests/flow to run."""
from arqonbus.routing.mail import Deliver, Lost, Writable
from tests.flow.world import World, settings


def test_an_emptied_channel_stays_for_its_time_though_its_last_event_is_older() -> None:
    """channel.py: _quiet_since is not reset by a join, so the time counts from before the membership."""
    world = World()
    client = world.connect()
    client.event("r", "c", 1)
    client.join("r", "c")
    world.advance(100)
    client.leave("r", "c")

    world.advance(1)

    assert len(client.command("list_channels")["channels"]) == 2


def test_a_join_that_is_read_after_its_clients_end_leaves_no_ghost() -> None:
    """channel.py: Drop comes by the control lane and overtakes the Join in a full user lane."""
    world = World()
    stays, goes, other = world.member("r", "c"), world.connect(), world.connect()
    publishers = [world.connect() for _ in range(40)]
    for publisher in publishers:
        publisher.event("r", "c", 0)
    write = other.socket.write
    def write_and_lose(chunk, texts):
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
    """session.py/outbox.py: turn keeps `waiting`, flush puts another list in its place."""
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
    """session.py/join_channel.py: only the number of memberships is passed on."""
    client = World(settings(limits__memberships=1)).connect()
    client.join("r", "c")

    assert client.join("r", "c").get("code") is None


def test_after_leaving_all_nothing_comes() -> None:
    """room.py answers before the channels have read the leave; needs an answer of theirs."""
    world = World()
    star, publisher = world.member("r", "*"), world.connect()
    others = [world.connect() for _ in range(5)]
    for o in others: o.event("r", "c", 0)
    star.take()
    for o in others:
        for n in range(60): o.post_event("r", "c", n)
    star.post_command("leave_channel", "l", room="r", channel="*")
    world.run()

    assert star.take()[-1]["type"] == "response"

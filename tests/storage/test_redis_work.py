"""What durable groups give out."""

from arqonbus.storage.redis_frames import Place
from arqonbus.storage.redis_work import GroupSetup, Work


def test_work_knows_its_place() -> None:
    assert Work("17", 4, b"{}", 1).place == Place(17, 4)


def test_a_group_that_says_nothing_gives_an_event_five_times_and_half_a_minute_each() -> None:
    setup = GroupSetup("g")

    assert (setup.ack_wait_s, setup.max_deliver, setup.start, setup.bury) == (30.0, 5, None, None)

"""The world: a whole bus, its time and its faults."""

from arqonbus.testing.world import SimulatedBus, World
from tests.testing.stage import plain_plan


def world(order: str = "random") -> World:
    return World(plain_plan(order), SimulatedBus, trace=True)


def test_a_guest_is_connected_to_the_real_bus() -> None:
    new = world()
    ada, other = new.guests
    for guest in (ada, other):
        new.connect(guest)
        message_id = guest.ask("whoami")
        new.pump()
        assert guest.visit is not None
        assert guest.visit.answers[message_id]["result"]["user"] == (guest.user or None)


def test_turns_come_in_every_order_and_mail_in_its_own() -> None:
    for order in ("random", "newest", "fair"):
        new = world(order)
        guest = new.guests[0]
        new.connect(guest)
        for _ in range(20):
            guest.publish(("r", "c"))
        new.pump()
        new.ledger.finish({})

        assert (new.ledger.top(("r", "c")), new.ledger.broken) == (20, [])


def test_a_clock_that_fails_is_a_failure_that_was_meant() -> None:
    new = world()
    new.connect(new.guests[0])
    new.pump()
    new.faults.clock = 1
    new.guests[0].publish(("r", "c"))
    new.pump()

    assert (new.bus.system.statistics().failures, new.ledger.broken) == (1, [])


def test_any_other_failure_breaks_a_promise() -> None:
    new = world()
    new.bus.registry.signal("no mail for a registry")
    new.pump()

    assert [broken.partition(":")[0] for broken in new.ledger.broken] == ["failure"]


def test_a_healed_world_knows_no_slow_reader_and_no_cut_that_nobody_noticed() -> None:
    new = world()
    stalled, cut = new.guests
    for guest in new.guests:
        new.connect(guest)
    new.pump()
    assert stalled.visit is not None
    assert cut.visit is not None
    stalled.visit.line.is_stalled = True
    cut.visit.line.cut()
    new.heal()
    new.pump()

    assert (new.high_bytes, new.lines()) == (1 << 30, [stalled.visit.line])
    assert stalled.visit.line.is_stalled is False


def test_time_passes_with_mail_waiting_or_without() -> None:
    new = world()
    new.connect(new.guests[0])
    new.pass_time(5.0, is_calm=False)
    assert new.bus.system.statistics().ready > 0

    new.pass_time(5.0, is_calm=True)
    assert (new.manual.clock.time(), new.bus.system.statistics().ready) == (1010.0, 0)


def test_a_few_turns_are_no_more_than_that() -> None:
    new = world()
    new.connect(new.guests[0])
    before = new.bus.system.statistics().turns
    new.run_turns(1)
    assert new.bus.system.statistics().turns == before + 1

    new.run_turns(1000)
    assert new.bus.system.statistics().ready == 0


def test_a_world_that_never_rests_is_noticed() -> None:
    new = world()
    guest = new.guests[0]
    new.connect(guest)
    assert guest.visit is not None
    guest.visit.line.is_stalled = True
    new.pump()

    assert new.ledger.broken == ["rest: still busy after 1000 rounds of turns and reads"]


def test_a_guest_comes_back_as_who_it_was() -> None:
    new = world()
    guest = new.guests[0]
    new.connect(guest)
    guest.join(("r", "c"), None)
    new.pump()
    guest.publish(("r", "c"))
    new.pump()
    new.resume(guest)
    new.pump()

    first, second = guest.visits
    assert (first.line.closed, second.client, second.is_ready) == (4504, first.client, True)
    assert (second.seats.by_address["r", "c"].next, new.ledger.broken) == (2, [])


def test_nobody_comes_while_the_server_goes() -> None:
    new = world()
    new.drain()
    new.connect(new.guests[0])
    new.resume(new.guests[1])

    assert [guest.visits for guest in new.guests] == [[], []]


def test_a_room_that_is_given_up_is_counted_as_an_end() -> None:
    new = world()
    new.connect(new.guests[0])
    new.guests[0].join(("r", "c"), None)
    new.pump()
    room = new.bus.directory.room("r")
    assert room is not None
    for _ in range(6):
        room.tell("no mail for a room")
    new.pump()

    assert new.ledger.n_ended(("r", "*")) == 2

"""Steps: one for each action, harmless wherever they make no sense."""

import pytest

from arqonbus.testing.plan import ACTIONS
from arqonbus.testing.steps import STEPS
from arqonbus.testing.world import SimulatedBus, World
from tests.testing.stage import plain_plan


def test_each_action_has_its_step() -> None:
    assert list(STEPS) == list(ACTIONS)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_does_something_only_with_a_connection_or_to_the_world(name: str) -> None:
    world = World(plain_plan(), SimulatedBus, trace=True)
    STEPS[name](world, world.guests[0])

    faults = {"fail_clock", "fail_store", "break_reads", "break_appends"}
    of_the_world = {"connect", "resume", "resume_twice", "jump", *faults}
    assert bool(world.ledger.trace) == (name in of_the_world)


@pytest.mark.parametrize("name", sorted(set(STEPS) - {"connect", "notice", "read_on", "resend"}))
def test_a_step_leaves_its_trace(name: str) -> None:
    world = World(plain_plan(), SimulatedBus, trace=True)
    world.connect(world.guests[0])
    world.pump()
    STEPS[name](world, world.guests[0])

    assert len(world.ledger.trace or ()) > 1


def test_who_comes_back_takes_up_what_it_was_in() -> None:
    world = World(plain_plan(), SimulatedBus, trace=True)
    guest = world.guests[0]
    guest.wants.add(world.plan.addresses[0])
    world.random.random = lambda: 0.0
    STEPS["connect"](world, guest)
    world.pump()

    assert guest.visit is not None
    assert world.plan.addresses[0] in guest.visit.seats.by_address


def test_a_cut_is_noticed_at_once_or_later() -> None:
    world = World(plain_plan(), SimulatedBus, trace=False)
    for name, n_clients in (("cut", 0), ("cut_unnoticed", 1), ("notice", 0)):
        if name != "notice":
            world.connect(world.guests[0])
            world.pump()
        STEPS[name](world, world.guests[0])
        world.pump()

        assert world.bus.directory.n_clients == n_clients


def test_who_stops_reading_reads_on_later() -> None:
    world = World(plain_plan(), SimulatedBus, trace=False)
    guest = world.guests[0]
    world.connect(guest)
    assert guest.visit is not None
    STEPS["stall"](world, guest)
    assert guest.visit.line.is_stalled is True

    STEPS["read_on"](world, guest)
    assert guest.visit.line.is_stalled is False

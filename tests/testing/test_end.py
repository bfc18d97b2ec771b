"""The end of a run: what may be left when all have gone, or when the server has."""

import msgspec

from arqonbus.config.settings import Server
from arqonbus.testing.end import End
from arqonbus.testing.world import SimulatedBus, World
from tests.testing.stage import plain_plan


def world() -> World:
    """Two guests in r:c, of a server that lets all go within a second."""
    plan = plain_plan()
    server = Server(resume_grace_s=5.0, drain_spread_s=1.0)
    settings = msgspec.structs.replace(plan.settings, server=server)
    new = World(msgspec.structs.replace(plan, settings=settings), SimulatedBus, trace=False)
    for guest in new.guests:
        new.connect(guest)
        guest.join(("r", "c"), None)
    new.pump()
    return new


def rules(new: World) -> list[str]:
    return [broken.partition(":")[0] for broken in new.ledger.broken]


def test_after_a_goodbye_nothing_is_left() -> None:
    new = world()
    new.guests[0].publish(("r", "c"))
    new.pump()

    End(new).say_goodbye()

    assert new.ledger.broken == []
    assert [guest.visit for guest in new.guests] == [None, None]


def test_a_session_without_a_connection_is_noticed() -> None:
    new = world()
    visit = new.guests[0].visit
    assert visit is not None
    visit.line.is_over = True  # the server is never told

    End(new).say_goodbye()

    assert rules(new) == ["leftover", "leftover"]


def test_a_server_that_goes_tells_everybody_once_and_closes_him() -> None:
    new = world()
    new.drain()
    new.pump()
    new.connect(new.guests[0])

    End(new).drain_over()

    assert new.ledger.broken == []
    assert [guest.visits[-1].line.closed for guest in new.guests] == [4000, 4000]
    assert [guest.visits[-1].n_drains for guest in new.guests] == [1, 1]
    assert [len(guest.visits) for guest in new.guests] == [1, 1]


def test_who_comes_back_while_the_server_goes_is_told_by_its_new_connection() -> None:
    new = world()
    new.resume(new.guests[0])
    new.drain()

    End(new).drain_over()

    assert new.ledger.broken == []
    assert [visit.line.closed for visit in new.guests[0].visits] == [4504, 4000]


def test_who_is_not_told_or_not_closed_is_noticed() -> None:
    new = world()
    for guest, n_drains in zip(new.guests, (1, 2), strict=True):
        assert guest.visit is not None
        guest.visit.n_drains = n_drains
    new.drain()
    new.pump()
    End(new).drain_over()
    assert rules(new) == ["drain", "drain"]

    other = world()
    End(other).drain_over()
    assert rules(other)[:2] == ["drain", "drain"]

"""The drain: clients are told, leave over a spread of time, and those who stay are let go."""

from arqonbus.routing.mail import DrainAll
from tests.flow.world import World


def drain(world: World) -> None:
    world.bus.is_draining = True
    world.bus.registry.signal(DrainAll(10_000, 5_000))
    world.run()


def test_every_client_is_told_how_long_it_has() -> None:
    world = World()
    clients = [world.connect() for _ in range(3)]

    drain(world)

    for client in clients:
        told = client.take()[-1]
        assert (told["event"], told["payload"]) == ("draining", {"deadline_ms": 10000, "spread_ms": 5000})
        assert client.socket.closed is None


def test_clients_that_stay_are_closed_with_4000_spread_over_time() -> None:
    world = World()
    clients = [world.connect() for _ in range(40)]
    drain(world)

    world.advance(2.5)
    n_early = sum(1 for client in clients if client.socket.closed is not None)
    world.advance(2.5)

    assert 5 < n_early < 35
    assert {client.socket.closed for client in clients} == {(4000, "drain over")}
    assert world.bus.directory.n_clients == 0


def test_until_it_leaves_a_client_is_served() -> None:
    world = World()
    client = world.member("r", "c")
    drain(world)

    client.event("r", "c", 1)

    assert client.payloads() == [1]
    assert client.command("status")["draining"] is True


def test_others_see_why_a_member_left() -> None:
    world = World()
    watchers = [world.member("r", "c", presence=True) for _ in range(5)]
    for watcher in watchers:
        watcher.take()

    drain(world)
    world.advance(5)

    left = [m["payload"]["reason"] for w in watchers for m in w.take() if m.get("event") == "member_left"]
    assert left == ["drained"] * 10  # the first is seen by four, the next by three ...


def test_a_client_that_leaves_by_itself_is_not_closed_again() -> None:
    world = World()
    client = world.connect()
    drain(world)

    client.lose(1000)
    world.advance(6)

    assert client.close_code != 4000


def test_status_says_that_nothing_drains_before() -> None:
    assert World().connect().command("status")["draining"] is False


async def test_the_actors_end_when_the_system_stops() -> None:
    world = World()
    client = world.member("r", "c")
    world.connect().join("r", "*")

    stopping = world.bus.system.stop(1.0)
    stopping.__await__().send(None)
    world.run()

    assert world.bus.system.statistics().actors == 0
    assert client.close_code == 1011
    stopping.close()

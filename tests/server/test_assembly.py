import re

from arqonbus.actor import ActorSystem
from arqonbus.config.settings import Channels, Predefined, Settings
from tests.flow.world import World, settings


def test_a_server_without_a_name_gets_one() -> None:
    assert re.fullmatch(r"node-[0-9a-f]{6}", World().bus.name)
    assert World(settings(server__name="mine")).bus.name == "mine"


def test_a_new_bus_has_the_rooms_of_the_settings_and_its_own() -> None:
    wanted = (Predefined(room="r", channel="one"), Predefined(room="r", channel="two"))
    world = World(Settings(channels=Channels(predefined=wanted)))

    cards = {card.room: sorted(card.channels) for card in world.bus.directory.room_cards()}
    assert cards == {"r": ["one", "two"], "_telemetry": ["activity"]}


def test_it_is_a_handful_of_actors_and_one_more_for_each_client() -> None:
    world = World()
    assert isinstance(world.bus.system, ActorSystem)
    assert world.bus.system.statistics().actors == 3

    client = world.connect()
    assert world.bus.system.statistics().actors == 4
    client.lose()

    assert world.bus.system.statistics().actors == 3


def test_when_all_is_quiet_no_actor_waits_for_its_turn() -> None:
    world = World()
    client = world.member("r", "c")
    client.event("r", "c", 1)

    statistics = world.bus.system.statistics()
    assert (statistics.ready, statistics.failures, statistics.dead_letters) == (0, 0, 0)

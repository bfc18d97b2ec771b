"""Home: the actor system offers cells all that they need of it."""

from arqonbus.actor.home import Home
from arqonbus.actor.system import ActorSystem
from arqonbus.actor.testing import ManualDispatcher


def test_the_actor_system_is_a_home() -> None:
    system = ActorSystem(ManualDispatcher().dispatcher)
    needed = [name for name in vars(Home) if not name.startswith("_")]

    assert sorted(needed) == [
        "cell_ended",
        "dead_letter",
        "dispatcher",
        "make_cell",
        "now",
        "report_failure",
        "strategy_for",
    ]
    assert [name for name in needed if not hasattr(system, name)] == []

"""Refusals reach the sender in the form that it waits for; the other forms are in test_room."""

from arqonbus.errors import NotFound
from arqonbus.routing.mail import Resolve, Resolved
from arqonbus.routing.refusals import answer_refusal
from tests.commands.registry_world import RegistryWorld


def test_a_refused_look_up_names_what_was_looked_up() -> None:
    world, refusal = RegistryWorld(), NotFound("any")

    answer_refusal(Resolve(world.card, "r", "c", False), refusal)
    world.manual.run_until_idle()

    assert world.client.take() == [Resolved("r", "c", refusal)]

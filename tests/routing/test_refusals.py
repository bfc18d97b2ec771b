"""Refusals reach the sender in the form that it waits for; the other forms are in test_room."""

import logging

import pytest

from arqonbus.errors import NotFound
from arqonbus.protocol.envelope import Event
from arqonbus.routing.mail import Bounced, LastWill, Publish, Resolve, Resolved
from arqonbus.routing.refusals import answer_refusal
from tests.commands.registry_world import RegistryWorld


def test_a_refused_look_up_names_what_was_looked_up() -> None:
    world, refusal = RegistryWorld(), NotFound("any")

    answer_refusal(Resolve(world.card, "r", "c", False), refusal)
    world.manual.run_until_idle()

    assert world.client.take() == [Resolved("r", "c", refusal)]


@pytest.mark.parametrize("is_on_its_way_back", [False, True])
def test_a_refused_will_is_logged_since_nobody_is_there_to_be_told(
    is_on_its_way_back: bool, caplog: pytest.LogCaptureFixture
) -> None:
    world, will = RegistryWorld(), Event(room="r", channel="c")
    world.card.will = will
    mail = Bounced("c", Publish(world.card, will)) if is_on_its_way_back else LastWill(world.card, will, False)

    with caplog.at_level(logging.WARNING, "arqonbus.routing"):
        answer_refusal(mail, NotFound("no channel r:c"))
    world.manual.run_until_idle()

    (record,) = caplog.records
    assert record.getMessage().startswith("will_not_published")
    assert world.client.take() == []

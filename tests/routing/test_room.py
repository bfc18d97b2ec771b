"""A room that is told what only races tell it: mail of channels that went, and ends in the middle of a join."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from arqonbus.actor.testing import Probe
from arqonbus.errors import NotFound
from arqonbus.protocol.envelope import Event
from arqonbus.protocol.payloads import ChannelPosition, JoinChannelArgs
from arqonbus.routing.mail import Bounced, Join, Joined, Leave, Parted, Publish, Receipt, StarAnswer
from arqonbus.routing.refusals import answer_refusal
from tests.commands.calls import client_card
from tests.commands.registry_world import RegistryWorld


def room_of(world: RegistryWorld) -> Any:
    world.run("create_channel", room="r", channel="c", options={"persistent": True})
    return world.view.directory.room("r")


def tell(world: RegistryWorld, room: Any, mail: Any) -> list[Any]:
    room.tell(mail)
    world.manual.run_until_idle()
    return world.client.take()


def test_a_leave_that_comes_back_is_done() -> None:
    world = RegistryWorld()

    (parted,) = tell(world, room_of(world), Bounced("gone", Leave(world.card, "l", "gone")))

    assert (type(parted), parted.request_id, parted.channel) == (Parted, "l", "gone")
    assert parted.result is not None


def test_a_join_that_comes_back_makes_the_channel_again() -> None:
    world = RegistryWorld()

    (joined,) = tell(world, room_of(world), Bounced("d", Join(world.card, "j", "d", JoinChannelArgs("r", "d"), True)))

    assert (type(joined), joined.channel, joined.result.members) == (Joined, "d", 1)


def test_a_publish_that_comes_back_is_sequenced() -> None:
    world = RegistryWorld()
    event = Event(room="r", channel="d", id="e", ack=True, payload=Raw(b"1"))

    (receipt,) = tell(world, room_of(world), Bounced("d", Publish(world.card, event)))

    assert (type(receipt), receipt.request_id, receipt.result.seq) == (Receipt, "e", 1)


@pytest.mark.parametrize("kind", ["join", "leave"])
def test_a_rooms_own_mail_for_a_member_of_all_answers_nobody_when_it_comes_back(kind: str) -> None:
    world = RegistryWorld()
    args = JoinChannelArgs("r", "*")
    mail = Join(world.card, None, "c", args, False, star=True) if kind == "join" else Leave(world.card, None, "c", True)

    assert tell(world, room_of(world), Bounced("c", mail)) == []


def test_a_position_that_nobody_waits_for_is_without_effect() -> None:
    world = RegistryWorld()
    room = room_of(world)

    room.signal(StarAnswer(world.card, "c", ChannelPosition("c", "e1", 3)))

    assert tell(world, room, Leave(world.card, "l", "*"))[0].result.code == "not_found"


def test_a_refusal_of_what_nobody_waits_for_tells_nobody() -> None:
    world = RegistryWorld()

    answer_refusal(StarAnswer(world.card, "c", ChannelPosition("c", "e1", 3)), NotFound("any"))
    answer_refusal(None, NotFound("any"))
    world.manual.run_until_idle()

    assert world.client.take() == []


def test_a_join_of_all_whose_room_is_stopped_is_answered() -> None:
    world = RegistryWorld()
    room = room_of(world)
    room.tell(Join(world.card, "j", "*", JoinChannelArgs("r", "*"), True))
    room.stop("told to")
    world.manual.run_until_idle()

    answers = [mail for mail in world.client.take() if getattr(mail, "request_id", None) == "j"]
    assert len(answers) == 1


def test_what_the_next_session_of_a_client_does_not_take_up_ends_with_the_one_before() -> None:
    world = RegistryWorld()
    room = room_of(world)
    for channel in ("c", "d", "*"):
        tell(world, room, Join(world.card, "j", channel, JoinChannelArgs("r", channel), True))
    probe: Probe[Any] = Probe(world.system, "next")
    heir = client_card("c-1", probe.ref)
    tell(world, room, Join(heir, "j", "c", JoinChannelArgs("r", "c"), True))

    world.client.ref.stop()
    tell(world, room, Publish(world.connect("c-2")[1], Event(room="r", channel="new", payload=Raw(b"1"))))

    counts = {name: card.info().members for name, (_, card) in world.view.directory.room_card("r").channels.items()}
    assert counts == {"c": 1, "d": 0}


def test_a_client_whose_next_session_takes_nothing_up_is_out() -> None:
    world = RegistryWorld()
    room = room_of(world)
    tell(world, room, Join(world.card, "j", "c", JoinChannelArgs("r", "c"), True))
    tell(world, room, Join(world.card, "j", "d", JoinChannelArgs("r", "d"), True))
    probe: Probe[Any] = Probe(world.system, "next")
    heir = client_card("c-1", probe.ref)
    tell(world, room, Join(heir, "j", "c", JoinChannelArgs("r", "c"), True))
    tell(world, room, Leave(heir, "l", "c"))

    world.client.ref.stop()
    world.manual.run_until_idle()

    assert world.view.directory.room_card("r").members == 0

"""Events that nobody could do: where they go, under which id, and what they say."""

from typing import Any

import msgspec

from arqonbus.protocol.payloads import DeadLetter, Empty
from arqonbus.routing.dead_letters import OPTIONS, SENDER, DeadLetters
from arqonbus.routing.mail import Bounced, Create, Receipt
from arqonbus.storage.shared_group import GroupOptions, Work
from tests.commands.calls import probe

WORK = Work("17", 4, b'{"type":"event","timestamp":"2026-11-21T19:00:00.000Z","payload":{"n":1}}', 4)
STANDS = GroupOptions(max_deliver=3, dead_letter="bin")


def bury(dead: DeadLetters, room: Any, group: str = "g") -> list[Any]:
    dead.bury(group, STANDS, WORK)
    room.ref._cell._system.dispatcher._loop.run_until_idle()
    taken: list[Any] = room.take()
    return taken


def test_a_dead_letter_holds_the_event_and_why_it_is_there() -> None:
    room, own = probe("room"), probe("own")
    create, bounced = bury(DeadLetters(("r", "c"), room.ref, own.ref), room)
    publish = bounced.mail

    assert create == Create(None, None, "bin", OPTIONS)
    assert isinstance(bounced, Bounced) and bounced.name == "bin"
    assert (publish.card.client, publish.card.sender, publish.card.ref) == (SENDER, SENDER, own.ref)
    assert (publish.event.room, publish.event.channel, publish.event.ack) == ("r", "bin", True)
    told = msgspec.json.decode(publish.event.payload, type=DeadLetter)
    assert (told.reason, told.group, told.attempts, told.seq, told.epoch) == ("max_deliver", "g", 3, 4, "17")
    assert told.first_seen == "2026-11-21T19:00:00.000Z"
    assert msgspec.json.decode(told.event)["payload"] == {"n": 1}
    assert msgspec.json.decode(told.event)["seq"] == 4


def test_one_event_has_one_id_on_every_node_and_another_in_another_group() -> None:
    room, own = probe("room"), probe("own")
    here, there = (DeadLetters(("r", "c"), room.ref, own.ref) for _ in range(2))
    first, second, other = bury(here, room)[1], bury(there, room)[1], bury(here, room, "h")[1]

    assert first.mail.event.id == second.mail.event.id
    assert first.mail.event.id != other.mail.event.id
    assert bury(here, room) == []  # it is under way


def test_a_receipt_is_of_the_event_that_is_under_way_once() -> None:
    room, own = probe("room"), probe("own")
    dead = DeadLetters(("r", "c"), room.ref, own.ref)
    event_id = bury(dead, room)[1].mail.event.id

    assert dead.answered(Receipt("other", Empty())) is None
    assert dead.answered(Receipt(event_id, Empty())) == ("g", WORK)
    assert dead.answered(Receipt(event_id, Empty())) is None
    bury(dead, room)
    dead.forget()
    assert dead.answered(Receipt(event_id, Empty())) is None

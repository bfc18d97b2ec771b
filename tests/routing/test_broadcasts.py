"""Broadcasts over several nodes: each delivered here once, whatever comes first or not at all."""

from __future__ import annotations

from typing import Any

from arqonbus.protocol.codec import decode
from arqonbus.routing.broadcasts import Broadcasts, deliver_of
from arqonbus.routing.mail import BroadcastMail
from tests.commands.calls import client_card


def mail() -> BroadcastMail:
    broadcast: Any = decode(b'{"type":"broadcast","room":"r"}')
    return BroadcastMail(client_card("c-1"), broadcast)


def test_what_is_said_is_heard_with_its_text() -> None:
    here, there = Broadcasts("here"), Broadcasts("there")
    token, data = here.say(mail(), b'{"a":"\\n"}')

    assert there.hear(data) == here.hear(data) == (token, b'{"a":"\\n"}')
    assert there.mail_of(token) is None
    assert here.mail_of(token) is not None


def test_other_things_that_nodes_say_are_none() -> None:
    assert Broadcasts("x").hear(b"other") is None


def test_it_is_done_when_it_is_delivered_and_the_store_has_answered() -> None:
    here = Broadcasts("here")
    token, _ = here.say(mail(), b"{}")
    assert here.is_saying

    assert here.note(token, n_nodes=2) is None
    done = here.note(token, n_reached=3)
    assert done is not None
    assert (done.n_nodes, done.n_reached) == (2, 3)
    assert not here.is_saying
    assert here.note(token, n_nodes=1) is None


def test_one_that_is_delivered_unheard_is_not_delivered_again_when_it_is_heard_late() -> None:
    here = Broadcasts("here")
    token, data = here.say(mail(), b"{}")
    assert here.unheard(token) is not None
    assert here.note(token, n_nodes=0, n_reached=1) is not None

    assert here.hear(data) is None
    assert here.unheard(token) is None


def test_a_delivery_is_the_text_in_a_frame() -> None:
    assert deliver_of(b"{}").chunk == b"\x81\x02{}"

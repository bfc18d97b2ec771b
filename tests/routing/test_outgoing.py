"""Events on their way to a shared store: known until they are seen."""

from __future__ import annotations

from typing import Any

import pytest

from arqonbus.protocol.codec import decode
from arqonbus.routing.hops import Leg, about_of
from arqonbus.routing.mail import Publish
from arqonbus.routing.outgoing import Outgoing, Unheard
from arqonbus.storage.shared_log import Entry, Stored
from tests.commands.calls import client_card


def publish(card: Any = None) -> Publish:
    event: Any = decode(b'{"type":"event","room":"r","channel":"c","id":"a"}')
    return Publish(card or client_card("c-1"), event)


def test_what_a_turn_took_goes_out_together_and_comes_back_by_its_number() -> None:
    outgoing, mails = Outgoing(), [publish(), publish()]
    assert outgoing.pack() is None
    for i, mail in enumerate(mails):
        outgoing.take(mail, Entry(b"%d" % i), None)

    packed = outgoing.pack()
    assert packed == (1, [Entry(b"0"), Entry(b"1")])
    assert (outgoing.n_under_way, outgoing.is_empty) == (2, False)
    assert outgoing.settled(1) == [(mails[0], b"0"), (mails[1], b"1")]
    assert (outgoing.n_under_way, outgoing.is_empty) == (0, True)


def test_a_connection_has_an_event_on_its_way_until_it_is_heard() -> None:
    outgoing, card, other = Outgoing(), client_card("c-1"), client_card("c-2")
    mail = publish(card)
    assert not outgoing.is_of(card)
    outgoing.take(mail, Entry(b"0"), None)
    assert outgoing.is_of(card)
    outgoing.pack()
    assert outgoing.is_of(card)
    assert not outgoing.is_of(other)
    outgoing.settled(1)
    outgoing.unheard.append(Unheard(mail, Stored("e", 3)))
    assert outgoing.is_of(card)

    assert outgoing.take_heard(2) == []
    assert [(one.mail, is_there) for one, is_there in outgoing.take_heard(3)] == [(mail, True)]
    assert not outgoing.is_of(card)


def test_all_that_is_stored_can_be_taken_at_once() -> None:
    outgoing = Outgoing()
    outgoing.unheard.append(Unheard(publish(), Stored("e", 3)))

    assert len(outgoing.take_all()) == 1
    assert outgoing.is_empty


def test_a_traced_event_is_known_again_by_its_text_once() -> None:
    outgoing, mail = Outgoing(), publish()
    trace: Any = None
    leg = Leg(trace, about_of(mail.event, "c-1"), 5)
    outgoing.take(mail, Entry(b"a"), leg)
    outgoing.take(mail, Entry(b"b"), leg)
    outgoing.forget_leg(b"b")

    assert [one.seq for one in outgoing.legs_of(7, [b"x", b"a", b"b"])] == [8]
    assert outgoing.legs_of(7, [b"x", b"a", b"b"]) == []


@pytest.mark.parametrize(("heard", "is_there"), [(b"mine", True), (b"another", False)])
def test_an_event_whose_place_another_one_has_is_lost(heard: bytes, is_there: bool) -> None:
    outgoing = Outgoing()
    outgoing.unheard.append(Unheard(publish(), Stored("e", 3), b"mine"))

    assert [there for _, there in outgoing.take_heard(4, 2, [b"before", heard, b"behind"])] == [is_there]

"""Roster: who is in a room, each once, however many channels they share."""

from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.protocol.payloads import Profile
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.roster import Roster
from arqonbus.security.gate import Identity

AT = "2026-11-21T19:00:00.000Z"


def card(client: str) -> ClientCard:
    ref = Probe(ActorSystem(ManualDispatcher().dispatcher), client).ref
    return ClientCard(ref, Identity(client, None, True), Profile())


def test_the_first_join_enters_and_the_next_finds() -> None:
    roster, ada = Roster(), card("ada")

    first, was_new = roster.enter(ada, AT)
    second, is_new = roster.enter(ada, "later")

    assert (was_new, is_new) == (True, False)
    assert second is first
    assert second.member.joined_at == AT
    assert len(roster) == 1


def test_a_presence_is_over_without_channels_and_star() -> None:
    presence, _ = Roster().enter(card("ada"), AT)
    assert presence.is_over

    presence.channels |= {"c"}
    assert not presence.is_over
    assert (presence.is_in("c"), presence.is_in("d")) == (True, False)

    presence.channels -= {"c"}
    presence.member.star = True
    assert not presence.is_over
    assert presence.is_in("d")


def test_refs_are_everybodys_once_and_those_of_a_channel() -> None:
    roster, ada, bob, eve = Roster(), card("ada"), card("bob"), card("eve")
    roster.enter(ada, AT)[0].channels |= {"c", "d"}
    roster.enter(bob, AT)[0].channels |= {"d"}
    roster.enter(eve, AT)[0].member.star = True

    assert roster.refs() == [ada.ref, bob.ref, eve.ref]
    assert roster.refs_in("c") == [ada.ref, eve.ref]
    assert roster.stars() == ((eve, AT),)


def test_who_is_removed_is_out() -> None:
    roster, ada = Roster(), card("ada")
    roster.enter(ada, AT)

    roster.remove("ada")
    roster.remove("never there")

    assert roster.get("ada") is None
    assert list(roster) == []
    assert list(roster.members()) == []


def test_who_is_removed_watches_no_more() -> None:
    roster, ada = Roster(), card("ada")
    presence, _ = roster.enter(ada, AT)
    roster.watching["ada"] = presence.member

    roster.remove("ada")

    assert roster.watching == {}

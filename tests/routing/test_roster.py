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


def test_refs_are_everybodys_once() -> None:
    roster, ada, bob, eve = Roster(), card("ada"), card("bob"), card("eve")
    roster.enter(ada, AT)[0].channels |= {"c", "d"}
    roster.enter(bob, AT)[0].channels |= {"d"}
    roster.enter(eve, AT)[0].member.star = True

    assert roster.refs() == [ada.ref, bob.ref, eve.ref]
    assert roster.stars() == ((eve, AT),)


def test_who_is_removed_is_out() -> None:
    roster, ada = Roster(), card("ada")
    roster.enter(ada, AT)

    roster.remove("ada")
    roster.remove("never there")

    assert roster.get("ada") is None
    assert list(roster) == []
    assert list(roster.everybody()) == []


def test_who_is_removed_watches_no_more() -> None:
    roster, ada = Roster(), card("ada")
    presence, _ = roster.enter(ada, AT)
    roster.watching["ada"] = presence.member

    roster.remove("ada")

    assert roster.watching == {}


def test_another_session_of_a_client_takes_its_place_and_has_yet_to_take_up_its_memberships() -> None:
    roster, old, new = Roster(), card("ada"), card("ada")
    first, _ = roster.enter(old, AT)
    first.channels, first.member.star = frozenset({"c"}), True

    presence, is_new = roster.enter(new, "later")

    assert (is_new, presence) == (True, first)
    assert (presence.member.card, presence.member.joined_at) == (new, AT)
    assert presence.untaken == {"c", "*"}
    assert (roster.of_session(old.ref), roster.of_session(new.ref)) == (None, presence)
    assert roster.heir_of(old.ref) is presence
    assert roster.heir_of(old.ref) is None


def test_only_the_session_before_the_last_has_an_heir() -> None:
    """What the one before that left untaken is untaken still, and ends with it."""
    roster, sessions = Roster(), [card("ada") for _ in range(3)]
    for one in sessions:
        presence, _ = roster.enter(one, AT)
        presence.channels |= {"c"}

    assert roster.heir_of(sessions[0].ref) is None
    assert roster.heir_of(sessions[1].ref) is presence


def test_who_is_removed_has_no_heir() -> None:
    roster, old, new = Roster(), card("ada"), card("ada")
    roster.enter(old, AT)
    roster.enter(new, AT)

    roster.remove("ada")

    assert roster.heir_of(old.ref) is None


def test_what_is_untaken_is_not_of_the_session_of_now() -> None:
    roster, old, new = Roster(), card("ada"), card("ada")
    roster.enter(old, AT)[0].member.star = True
    assert (roster.has_star(old), roster.has_star(new)) == (True, False)

    presence, _ = roster.enter(new, AT)
    assert (roster.has_star(old), roster.has_star(new)) == (False, False)

    presence.untaken -= {"*"}
    assert roster.has_star(new)


def test_who_is_away_is_in_but_not_there() -> None:
    roster, ada, bob = Roster(), card("ada"), card("bob")
    roster.enter(ada, AT)
    roster.enter(bob, AT)

    ada.is_away = True

    assert (len(roster), roster.n_there) == (2, 1)

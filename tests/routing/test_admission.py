"""Admission: who a client is by what it shows, and what it is told at the door."""

import pytest
from msgspec import Raw

from arqonbus.errors import InvalidArgs, Unauthenticated
from arqonbus.protocol.payloads import Limits, Profile
from arqonbus.routing.admission import Admission, first_profile, read_connect
from arqonbus.routing.socket import Hello
from arqonbus.security.gate import Identity
from arqonbus.security.tickets import Tickets
from tests.routing.test_roster import card


def admission(*, anonymous: bool) -> Admission:
    users = {"key-of-ada": "ada"}
    return Admission(users.get, anonymous, 5.0, "node-1", "1.0", 20.0, 1024, Tickets(bytes(16)))


def test_a_known_token_is_its_user() -> None:
    assert admission(anonymous=False).identify("c-1", "key-of-ada") == Identity("c-1", "ada", False)


def test_nobodys_token_is_refused_even_where_anonymous_clients_are_welcome() -> None:
    with pytest.raises(Unauthenticated, match="the token is not valid"):
        admission(anonymous=True).identify("c-1", "guess")


def test_no_token_is_anonymous_or_refused() -> None:
    assert admission(anonymous=True).identify("c-1", None) == Identity("c-1", None, True)
    with pytest.raises(Unauthenticated, match="expected a token, got none"):
        admission(anonymous=False).identify("c-1", None)


def test_welcome_and_connect_tell_the_same() -> None:
    door, ada = admission(anonymous=True), card("ada")

    welcome, connected = door.welcome(ada), door.connected(ada)

    assert (welcome.client, welcome.server, welcome.limits) == ("ada", "node-1", Limits(1024))
    assert (connected.client, connected.server, connected.limits) == ("ada", "node-1", Limits(1024))
    assert connected.resumed == ()
    assert welcome.ticket == connected.ticket == Tickets(bytes(16)).issue("ada")


def test_a_will_is_refused_by_name_unless_it_is_null() -> None:
    with pytest.raises(InvalidArgs, match=r"\$\.args\.will"):
        read_connect(Raw(b'{"will":{}}'))

    assert read_connect(Raw(b'{"token":"t","will":null,"resume":null}')).token == "t"


def test_the_first_profile_is_cut_to_its_bound() -> None:
    assert first_profile(Hello("r", client_type="web", screen_name="x" * 200)) == Profile("web", "x" * 128)
    assert first_profile(Hello("r", client_type="")) == Profile()

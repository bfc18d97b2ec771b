"""Admission: who a client is by what it shows, and what it is told at the door."""

import pytest
from msgspec import Raw

from arqonbus.errors import InvalidArgs, TooLarge, Unauthenticated
from arqonbus.protocol.payloads import Limits, Profile
from arqonbus.routing.admission import Admission, first_profile
from arqonbus.routing.socket import Hello
from arqonbus.routing.will import WillRules
from arqonbus.security.gate import Gate, Identity
from arqonbus.security.tickets import Tickets
from tests.routing.test_roster import card


def admission(*, anonymous: bool) -> Admission:
    users = {"key-of-ada": "ada"}
    return Admission(
        users.get, anonymous, 5.0, "node-1", "1.0", 20.0, 1024, Tickets(bytes(16)), WillRules(Gate(), max_bytes=20)
    )


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


def test_who_is_let_in_has_its_identity_profile_and_will_on_its_card() -> None:
    ada = card("c-1")
    args = b'{"token":"key-of-ada","profile":{"screen_name":"Ada"},"will":{"room":"r:c","payload":1}}'

    admission(anonymous=False).admit(ada, Raw(args), is_open=False)

    assert (ada.identity, ada.profile) == (Identity("c-1", "ada", False), Profile(screen_name="Ada"))
    assert ada.will is not None and (ada.will.room, ada.will.channel, bytes(ada.will.payload)) == ("r", "c", b"1")


def test_without_a_token_who_is_in_already_stays_who_it_is() -> None:
    ada = card("c-1")
    ada.identity = Identity("c-1", "ada", False)

    admission(anonymous=False).admit(ada, Raw(b'{"will":null,"resume":null}'), is_open=True)

    assert ada.identity == Identity("c-1", "ada", False)
    assert ada.will is None


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (b'{"will":{}}', InvalidArgs),
        (b'{"token":"guess"}', Unauthenticated),
        (
            b'{"token":"key-of-ada","profile":{"screen_name":"x"},"will":{"room":"r:c","payload":"%b"}}' % bytes(20),
            InvalidArgs,
        ),
        (
            b'{"token":"key-of-ada","profile":{"screen_name":"x"},"will":{"room":"r:c","payload":"%b"}}' % (b"x" * 19),
            TooLarge,
        ),
    ],
)
def test_a_refused_connect_changes_nothing(args: bytes, error: type[Exception]) -> None:
    ada = card("c-1")
    before = (ada.identity, ada.profile)

    with pytest.raises(error):
        admission(anonymous=True).admit(ada, Raw(args), is_open=True)

    assert (ada.identity, ada.profile, ada.will) == (*before, None)


def test_the_first_profile_is_cut_to_its_bound() -> None:
    assert first_profile(Hello("r", client_type="web", screen_name="x" * 200)) == Profile("web", "x" * 128)
    assert first_profile(Hello("r", client_type="")) == Profile()

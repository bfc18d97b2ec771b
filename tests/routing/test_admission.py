import pytest
from msgspec import UNSET, Raw

from arqonbus.errors import InvalidArgs, Unauthenticated
from arqonbus.protocol.payloads import ConnectArgs, Limits, Profile, Welcome
from arqonbus.routing.admission import Admission, first_profile, read_connect
from arqonbus.routing.socket import Hello
from arqonbus.security.gate import Identity
from tests.commands.calls import client_card


def admission(anonymous: bool) -> Admission:
    return Admission(
        user_of={"key": "ada"}.get,
        anonymous=anonymous,
        timeout_s=5.0,
        server="node-1",
        version="1.0",
        heartbeat_s=20.0,
        max_message_bytes=1000,
    )


@pytest.mark.parametrize("anonymous", [True, False])
def test_a_key_says_who_it_is(anonymous: bool) -> None:
    assert admission(anonymous).identify("c-1", "key") == Identity("c-1", "ada", False)


@pytest.mark.parametrize("anonymous", [True, False])
def test_nobodys_key_is_refused(anonymous: bool) -> None:
    with pytest.raises(Unauthenticated, match="the token is not valid"):
        admission(anonymous).identify("c-1", "other")


def test_without_a_key_one_is_anonymous_where_that_is_welcome() -> None:
    assert admission(True).identify("c-1", None) == Identity("c-1", None, True)
    with pytest.raises(Unauthenticated, match="expected a token, got none"):
        admission(False).identify("c-1", None)


def test_the_welcome_says_who_and_where() -> None:
    assert admission(True).welcome(client_card()) == Welcome("c-1", "node-1", "1.0", 20.0, Limits(1000), None)


def test_the_args_of_connect_are_read() -> None:
    assert read_connect(Raw(b'{"token":"key"}')) == ConnectArgs("key")
    assert read_connect(Raw(b"null")) == ConnectArgs()


def test_unknown_args_of_connect_are_refused() -> None:
    with pytest.raises(InvalidArgs, match="tokn"):
        read_connect(Raw(b'{"tokn":"key"}'))


def test_the_first_profile_is_what_the_handshake_tells_cut_to_its_bounds() -> None:
    hello = Hello("192.0.2.1", client_type="x" * 200, screen_name="")

    assert first_profile(hello) == Profile("x" * 128, None, None, UNSET)

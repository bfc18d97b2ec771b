"""The settings structs by themselves."""

import pytest

from arqonbus.config import Auth, Predefined, Redis, Server, Settings


def test_the_defaults_are_a_valid_configuration() -> None:
    settings = Settings()

    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 9100)
    assert settings.limits.message_bytes == 1_048_576
    assert settings.channels.predefined == ()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Settings().server.port = 1  # type: ignore[misc]


def test_anonymous_clients_are_let_in_when_there_are_no_keys() -> None:
    assert Auth().anonymous is True


def test_anonymous_clients_are_kept_out_when_there_are_keys() -> None:
    assert Auth(keys={"alice": "k"}).anonymous is False


def test_anonymous_that_was_said_is_kept() -> None:
    assert Auth(keys={"alice": "k"}, anonymous=True).anonymous is True
    assert Auth(anonymous=False).anonymous is False


def test_two_settings_do_not_share_the_table_of_keys() -> None:
    assert Settings().auth.keys is not Settings().auth.keys


def test_secrets_are_masked_in_every_repr() -> None:
    settings = Settings(auth=Auth(keys={"alice": "hush-hush"}), redis=Redis(url="redis://:hush-hush@h"))

    for shown in (repr(settings), str(settings), repr(settings.auth), f"{settings.redis}"):
        assert "hush" not in shown
    assert "alice" in repr(settings.auth)


def test_an_empty_redis_url_is_shown_as_empty() -> None:
    assert repr(Redis()).startswith("Redis(url='', prefix='arqonbus', required=False, ")


def test_sections_take_no_positional_values() -> None:
    with pytest.raises(TypeError):
        Server("0.0.0.0")  # type: ignore[call-arg]


def test_a_predefined_channel_leaves_unset_options_to_the_defaults() -> None:
    assert Predefined(room="a", channel="b").history_limit is None

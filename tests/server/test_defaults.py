"""Channels as the settings want them."""

from arqonbus.config import Channels, History, Settings
from arqonbus.config.settings import Predefined
from arqonbus.server.defaults import default_options, predefined


def test_what_nobody_says_is_as_the_settings_have_it() -> None:
    options = default_options(Settings(history=History(limit=7, ttl_s=8.0, bytes=9), channels=Channels(presence=True)))

    assert (options.history_limit, options.history_ttl_s, options.history_bytes) == (7, 8.0, 9)
    assert (options.presence, options.persistent, options.durable) == (True, False, False)


def test_channels_of_the_settings_stay_and_the_server_has_one_of_its_own() -> None:
    wanted = Predefined(room="a", channel="b", history_limit=5)
    configured, own = predefined(Settings(channels=Channels(predefined=(wanted,))))

    assert (configured.room, configured.channel, configured.kind) == ("a", "b", "configured")
    assert (configured.options.history_limit, configured.options.persistent) == (5, True)
    assert (own.room, own.channel, own.kind) == ("_telemetry", "activity", "system")

"""What SIGHUP changes, against a real bus and stand-ins for the listener and the logs."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest

from arqonbus.config import Auth, Settings
from arqonbus.errors import ConfigError
from arqonbus.server.reload import RELOADABLE, Reload
from arqonbus.transport import ListenError
from tests.flow.world import World, settings


class Listener:
    """Keeps what it is given; fails when told to."""

    def __init__(self) -> None:
        self.renewed: list[tuple[Any, Any]] = []
        self.fails = False

    def renew(self, handshake: Any, tls: Any) -> None:
        if self.fails:
            raise ListenError("bad certificate")
        self.renewed.append((handshake, tls))


class Logs:
    """Keeps the level."""

    level = "info"

    def set_level(self, level: str) -> None:
        self.level = level


class Setting:
    """A running server to reload."""

    def __init__(self, new: Settings | Exception | None) -> None:
        self.world = World(settings(auth__keys={"ada": "old"}))
        self.listener = Listener()
        self.logs = Logs()
        self.new = new
        read = None if new is None else self._read
        before = settings(auth__keys={"ada": "old"})
        self.reload = Reload(before, read, self.world.bus, self.listener, self.logs, lambda s: s.server.path)  # type: ignore[arg-type]  # stand-ins

    def _read(self) -> Settings:
        if isinstance(self.new, Exception):
            raise self.new
        assert self.new is not None
        return self.new

    def run(self, caplog: pytest.LogCaptureFixture) -> str:
        with caplog.at_level(logging.INFO):
            self.reload.run()
        return caplog.text


def test_new_keys_levels_and_origins_take_effect(caplog: pytest.LogCaptureFixture) -> None:
    setting = Setting(settings(auth__keys={"ada": "new"}, server__origins=("https://example.com",)))

    text = setting.run(caplog)

    assert (setting.world.bus.user_of("old"), setting.world.bus.user_of("new")) == (None, "ada")
    assert setting.listener.renewed == [("/", None)]
    assert setting.logs.level == "info"
    assert "auth.keys server.origins" in text


def test_certificates_are_read_anew_though_their_names_stay(caplog: pytest.LogCaptureFixture) -> None:
    setting = Setting(settings(server__tls_cert="a.pem", server__tls_key="k.pem"))

    setting.run(caplog)
    setting.run(caplog)

    assert len(setting.listener.renewed) == 2
    assert setting.listener.renewed[1][1].cert == "a.pem"


def test_what_needs_a_restart_is_named(caplog: pytest.LogCaptureFixture) -> None:
    text = Setting(settings(auth__keys={"ada": "old"}, limits__rooms=5)).run(caplog)

    assert "reload_needs_restart" in text
    assert "limits.rooms" in text


@pytest.mark.parametrize("error", [ConfigError(["line 3: expected a number"]), None])
def test_wrong_settings_change_nothing(caplog: pytest.LogCaptureFixture, error: ConfigError | None) -> None:
    setting = Setting(error)

    text = setting.run(caplog)

    assert setting.world.bus.user_of("old") == "ada"
    assert setting.listener.renewed == []
    assert ("reload_refused" if error else "reload_not_possible") in text


def test_a_certificate_that_cannot_be_used_changes_no_keys(caplog: pytest.LogCaptureFixture) -> None:
    setting = Setting(settings(auth__keys={"ada": "new"}))
    setting.listener.fails = True

    text = setting.run(caplog)

    assert setting.world.bus.user_of("old") == "ada"
    assert "reload_refused" in text


def test_every_reloadable_key_is_one_of_the_settings() -> None:
    for key in RELOADABLE:
        section, _, name = key.partition(".")
        assert hasattr(getattr(Settings(), section), name)


def test_keys_that_come_by_a_reload_end_the_welcome_of_anonymous_clients() -> None:
    world = World()
    assert world.connect().close_code is None
    new = msgspec.structs.replace(settings(), auth=Auth(keys={"ada": "key-of-ada"}))
    reload = Reload(settings(), lambda: new, world.bus, Listener(), Logs(), lambda wanted: None)  # type: ignore[arg-type]

    reload.run()
    world.run()

    assert world.connect(token="key-of-ada").received()[0]["payload"]["user"] == "ada"
    anonymous = world.connect()
    assert anonymous.received() == []  # it is waited for its credentials

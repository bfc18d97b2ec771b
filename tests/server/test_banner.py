from pathlib import Path

import pytest

from arqonbus import __version__
from arqonbus.cli.kit.connection import DEFAULT_URL as where_the_command_line_looks
from arqonbus.server.banner import DEFAULT_URL, banner, switched_off
from tests.flow.world import settings


def test_it_says_what_listens_where_and_what_is_off() -> None:
    text = banner(settings(), "node-7", ["127.0.0.1:9100", "/run/bus.sock"], "uvloop")

    assert text.splitlines() == [
        f"ArqonBus {__version__}  node-7  (uvloop)",
        "  listens    ws://127.0.0.1:9100/",
        "  probes     http://127.0.0.1:9100/health /ready /version",
        "  listens    unix:/run/bus.sock",
        "  keeps      history in memory, 1000 messages a channel",
        "  off        TLS, authentication (auth.keys), compression, browser pages of other origins (server.origins)",
        "  try        arqonbus sub science:explore",
        "             arqonbus pub science:explore hello",
        "  Ctrl-C drains and stops; twice stops at once",
    ]


def test_the_commands_to_try_name_the_server_unless_they_find_it() -> None:
    assert "sub science:explore --url ws://[::1]:8000/" in banner(settings(), "n", ["[::1]:8000"], "asyncio")
    assert "try" not in banner(settings(), "n", ["/run/bus.sock"], "asyncio")
    assert where_the_command_line_looks == DEFAULT_URL


def test_the_commands_to_try_are_written_as_a_shell_finds_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "arqonbus"
    program.touch(0o755)
    monkeypatch.setattr("sys.argv", [str(program)])
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setenv("PATH", "")
    there = f"try        {tmp_path.name}/arqonbus sub"

    assert there in banner(settings(), "n", ["127.0.0.1:9100"], "asyncio")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "try        arqonbus sub" in banner(settings(), "n", ["127.0.0.1:9100"], "asyncio")


def test_with_tls_the_addresses_say_so() -> None:
    text = banner(settings(server__tls_cert="a.pem", server__path="/bus"), "n", ["[::1]:9100"], "asyncio")

    assert "wss://[::1]:9100/bus" in text
    assert "https://[::1]:9100/health" in text


def test_what_people_may_miss_is_named() -> None:
    wanted = settings(history__limit=0, channels__auto_create=False)

    assert switched_off(wanted)[-2:] == ["history", "auto-creation of channels"]


def test_when_nothing_is_off_nothing_is_said_of_it() -> None:
    wanted = settings(
        server__tls_cert="a.pem",
        server__compression=True,
        server__origins=("https://example.com",),
        auth__keys={"ada": "key"},
    )

    assert switched_off(wanted) == []
    assert "off " not in banner(wanted, "n", [], "uvloop")

"""Flags about the server: address, token, and the first dial."""

import argparse
import io
import sys
from pathlib import Path

import pytest

from arqonbus.cli.kit.connection import add_connection, connected, seconds, token_of, url_of
from arqonbus.cli.kit.exits import TALKING
from arqonbus.cli.kit.failures import Failure
from arqonbus.cli.kit.parser import Parser
from arqonbus.client import CannotConnect, StateChange, Unauthorized
from tests.specs.bus import Bus, free_port


def options(*argv: str) -> argparse.Namespace:
    parser = Parser("arqonbus fly", "fly")
    add_connection(parser)
    return parser.parse_args(argv)


def test_a_command_that_talks_may_end_as_such_a_command_does() -> None:
    parser = Parser("arqonbus fly", "fly")
    add_connection(parser)

    assert parser.exits == TALKING


def test_the_address_is_that_of_the_flag_then_the_environment_then_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert url_of(options()) == "ws://127.0.0.1:9100/"
    monkeypatch.setenv("ARQONBUS_URL", "wss://bus.example.org/")
    assert url_of(options()) == "wss://bus.example.org/"
    assert url_of(options("-u", "127.0.0.1:1")) == "ws://127.0.0.1:1"


def test_another_scheme_is_refused() -> None:
    with pytest.raises(Failure, match="expected ws:// or wss://, got http://"):
        url_of(options("--url", "http://127.0.0.1/"))


@pytest.mark.parametrize("url", ["ws://", "ws://[bad", "ws://127.0.0.1:99999/", "127.0.0.1:0", "ws://h:port"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Failure) as failed:
        url_of(options("--url", url))

    assert failed.value.exit == 2


def test_the_token_is_that_of_the_flags_then_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")

    assert token_of(options()) is None
    monkeypatch.setenv("ARQONBUS_TOKEN", "from-environment")
    assert token_of(options()) == "from-environment"
    assert token_of(options("--token-file", str(file))) == "from-file"
    assert token_of(options("--token", "from-flag")) == "from-flag"


def test_the_token_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("from-stdin\nthe rest is not read"))

    assert token_of(options("--token-file", "-")) == "from-stdin"


def test_a_token_that_is_not_to_be_had_is_told(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.touch()
    binary.write_bytes(b"\xff\xff")

    with pytest.raises(Failure, match="no token in"):
        token_of(options("--token-file", str(empty)))
    with pytest.raises(Failure, match="it is not text"):
        token_of(options("--token-file", str(binary)))
    with pytest.raises(Failure, match="no such file"):
        token_of(options("--token-file", str(tmp_path / "none")))
    with pytest.raises(Failure, match="got both"):
        token_of(options("--token-file", str(empty), "--token", "x"))


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", ""])
def test_seconds_are_above_zero(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected seconds above 0"):
        seconds(text)


@pytest.mark.integration
async def test_a_bus_is_open_inside_and_closed_behind(server: Bus) -> None:
    seen: list[StateChange] = []

    async with connected(options("--url", server.url), on_state=seen.append) as bus:
        assert bus.state == "connected"
        profile = (await bus.whoami()).profile

    assert profile.client_type == "arqonbus-cli"
    assert [change.after for change in seen] == ["connecting", "connected", "closed"]


async def test_no_server_is_told_by_the_first_dial() -> None:
    with pytest.raises(CannotConnect):
        async with connected(options("--url", f"127.0.0.1:{free_port()}", "--timeout", "60")):
            raise AssertionError("there is no server")


async def test_with_wait_the_dials_go_on_until_the_timeout() -> None:
    with pytest.raises(CannotConnect, match=r"within 0\.3 s"):
        async with connected(options("--url", f"127.0.0.1:{free_port()}", "--timeout", "0.3", "--wait")):
            raise AssertionError("there is no server")


@pytest.mark.integration
async def test_a_wrong_token_is_refused(locked_server: Bus) -> None:
    with pytest.raises(Unauthorized):
        async with connected(options("--url", locked_server.url, "--token", "guessed")):
            raise AssertionError("let in")

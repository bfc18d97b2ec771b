import pytest

from arqonbus.commands.help import help
from arqonbus.errors import NotFound
from arqonbus.protocol.payloads import COMMANDS, HelpArgs
from tests.commands.calls import call, view


def test_it_describes_all_commands() -> None:
    commands = help(call(HelpArgs()), view()).result.commands  # type: ignore[attr-defined]

    assert list(commands) == list(COMMANDS)
    assert commands["join_channel"].permission == "subscribe"
    assert set(commands["join_channel"].args["properties"]) >= {"room", "channel", "since"}
    assert "time" in commands["ping"].result["properties"]


def test_it_describes_one_command() -> None:
    assert list(help(call(HelpArgs("ping")), view()).result.commands) == ["ping"]  # type: ignore[attr-defined]


def test_an_unknown_one_is_not_found() -> None:
    with pytest.raises(NotFound, match="no command of the name 'pong'"):
        help(call(HelpArgs("pong")), view())

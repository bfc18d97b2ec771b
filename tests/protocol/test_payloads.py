"""The table of commands, and that the public document shows every row."""

import re
from pathlib import Path

import msgspec
import pytest

from arqonbus.protocol import args, groups, payloads, results, shapes
from arqonbus.protocol.payloads import COMMANDS, SYSTEM_PAYLOADS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "PROTOCOL.md").read_text("utf-8")

PERMISSIONS = {
    "connect": None,
    "ping": None,
    "status": None,
    "help": None,
    "whoami": None,
    "set_profile": None,
    "set_will": None,
    "join_channel": "subscribe",
    "leave_channel": None,
    "create_channel": "create",
    "delete_channel": "delete",
    "list_rooms": None,
    "list_channels": None,
    "channel_info": None,
    "members": "presence",
    "history": "history",
    "ack": "subscribe",
    "group_info": "subscribe",
    "delete_group": "delete",
    "kick": "admin",
}


def test_the_table_has_every_command_of_this_version() -> None:
    assert {name: shape.permission for name, shape in COMMANDS.items()} == PERMISSIONS


@pytest.mark.parametrize("name", COMMANDS)
def test_args_are_closed_and_results_are_structs(name: str) -> None:
    shape = COMMANDS[name]

    assert shape.args.__struct_config__.forbid_unknown_fields
    assert issubclass(shape.result, msgspec.Struct)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_with_every_arg(name: str) -> None:
    commands = DOCUMENT[DOCUMENT.index("| command | args |") :]
    (row,) = re.findall(rf"^\| `{name}` \| (.*?) \| (.*?) \| (.*?) \|$", commands, re.M)
    documented = set(re.findall(r"`(\w+)\??`", row[0]))

    assert documented == {field.encode_name for field in msgspec.structs.fields(COMMANDS[name].args)}
    assert row[2] == (COMMANDS[name].permission or "none")


@pytest.mark.parametrize("event", SYSTEM_PAYLOADS)
def test_a_system_event_is_documented(event: str) -> None:
    assert re.search(rf"^\| `{event}` \| ", DOCUMENT, re.M)


@pytest.mark.parametrize(
    "module", [args, groups, results, shapes], ids=lambda module: module.__name__.rpartition(".")[2]
)
def test_every_shape_is_given_on(module: object) -> None:
    public = module.__all__  # type: ignore[attr-defined]

    assert set(public) <= set(payloads.__all__)
    assert all(getattr(payloads, name) is getattr(module, name) for name in public)

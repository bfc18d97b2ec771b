"""arqonbus cmd."""

import json

import pytest

from arqonbus.cli.commands.cmd import args_of
from arqonbus.cli.kit.failures import Failure
from tests.cli.conftest import Call, records
from tests.specs.bus import Bus


def test_args_are_read_from_pairs_or_from_json() -> None:
    assert args_of([]) == {}
    assert args_of(['{"a": [1]}']) == {"a": [1]}
    assert args_of(["room=lab", "limit=5", "options.history_limit=3", "options.durable=false", "x==y"]) == {
        "room": "lab", "limit": 5, "options": {"history_limit": 3, "durable": False}, "x": "=y",
    }  # fmt: skip


@pytest.mark.parametrize("given", [["x"], ["=1"], ["{"], ["[1]"], ["a=1", "a.b=2"]])
def test_args_that_are_none_are_wrong_usage(given: list[str]) -> None:
    with pytest.raises(Failure) as failed:
        args_of(given)

    assert failed.value.exit == 2


@pytest.mark.integration
def test_any_command_can_be_run(call: Call, at_server: Bus, room: str) -> None:
    code, out, _ = call("cmd", "create_channel", f"room={room}", "channel=readings", "options.history_limit=3")
    (record,) = records(call("cmd", "channel_info", f'{{"room":"{room}","channel":"readings"}}', "--json").out)

    assert code == 0
    assert json.loads(out)["options"]["history_limit"] == 3
    assert record.command == "channel_info"
    assert json.loads(bytes(record.result))["room"] == room


@pytest.mark.integration
def test_what_the_server_refuses_exits_with_6(call: Call, at_server: Bus) -> None:
    code, out, err = call("cmd", "histry")

    assert (code, out) == (6, "")
    assert "did you mean history" in err
    assert "(unknown_command)" in err

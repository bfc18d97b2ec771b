"""The table over all its rows, and the one way in of every action of a client."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Struct

from arqonbus.commands.table import TABLE
from arqonbus.protocol.payloads import COMMANDS
from arqonbus.security.gate import Action, Gate
from tests.commands.calls import Closed
from tests.commands.registry_world import RegistryWorld, Spy

PLACES: dict[str, dict[str, Any]] = {
    "join_channel": {"room": "r", "channel": "c"},
    "create_channel": {"room": "r", "channel": "new"},
    "delete_channel": {"room": "r", "channel": "c"},
    "members": {"room": "r"},
    "history": {"room": "r", "channel": "c"},
    "ack": {"room": "r", "channel": "c", "group": "g", "seqs": [1]},
    "group_info": {"room": "r", "channel": "c", "group": "g"},
    "delete_group": {"room": "r", "channel": "c", "group": "g"},
    "kick": {"client": "c-1"},
}


def known_channel(gate: Gate) -> RegistryWorld:
    """A world in which r:c exists."""
    world = RegistryWorld(gate)
    world.run("create_channel", room="r", channel="c")
    return world


def test_the_table_has_every_command_in_the_order_of_the_documents() -> None:
    assert list(TABLE) == list(COMMANDS)


@pytest.mark.parametrize("name", TABLE)
def test_every_row_has_shapes_and_a_handler_of_its_name(name: str) -> None:
    row = TABLE[name]

    assert issubclass(row.shape.args, Struct)
    assert issubclass(row.shape.result, Struct)
    assert row.handler.__name__ == name
    assert row.handler.__module__ == f"arqonbus.commands.{name}"
    assert (row.action.value if row.action else None) == row.shape.permission


@pytest.mark.parametrize("name", TABLE)
def test_a_row_with_a_permission_asks_the_gate_once_before_its_handler(name: str) -> None:
    spy = Spy()
    world = known_channel(spy)
    spy.asked.clear()
    place = PLACES.get(name, {})

    world.run(name, **place)

    action = TABLE[name].action
    expected = [] if action is None else [(action, place.get("room", ""), place.get("channel"))]
    if name == "join_channel":  # and whether the channel may be made for it
        expected.append((Action.CREATE, "r", "c"))
    assert spy.asked == expected


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.action is not None])
def test_a_row_with_a_permission_does_nothing_where_the_gate_says_no(name: str) -> None:
    world = (
        known_channel(Closed(TABLE[name].action)) if name != "create_channel" else RegistryWorld(Closed(Action.CREATE))
    )

    (answer,) = world.run(name, **PLACES[name])

    assert (answer.request_id, answer.result.code) == ("k1", "forbidden")


def test_every_action_of_a_client_has_one_way_in_commands_about_groups_aside() -> None:
    of_groups = {"ack", "group_info", "delete_group"}
    by_command = [row.action for name, row in TABLE.items() if row.action is not None and name not in of_groups]
    by_message = [Action.PUBLISH, Action.BROADCAST, Action.PRIVATE]

    assert sorted(action.value for action in by_command + by_message) == sorted(action.value for action in Action)

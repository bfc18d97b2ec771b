"""arqonbus rooms."""

import pytest

from arqonbus.client.sync import connect
from tests.cli.conftest import Call, records
from tests.specs.bus import Bus

pytestmark = pytest.mark.integration


def test_rooms_are_listed_with_their_numbers(call: Call, at_server: Bus, room: str) -> None:
    with connect(at_server.url) as bus, bus.subscribe(f"{room}:a"):
        code, out, err = call("rooms")
        found = records(call("rooms", "--json").out)

    assert (code, err) == (0, "")
    assert f"{room}\t1\t1" in out.splitlines()
    assert [(one.channels, one.members) for one in found if one.room == room] == [(1, 1)]

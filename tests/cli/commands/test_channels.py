"""arqonbus channels."""

import pytest

from arqonbus.client.sync import connect
from tests.cli.conftest import Call, records
from tests.specs.bus import Bus

pytestmark = pytest.mark.integration


def test_channels_of_a_room_are_listed(call: Call, at_server: Bus, room: str) -> None:
    with connect(at_server.url) as bus:
        bus.publish(f"{room}:b", 1, ack=True)
        bus.create_channel(f"{room}:a")

    code, out, err = call("channels", room)
    found = records(call("channels", room, "--json").out)

    rows = [line.split("\t") for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert sorted(row[:4] for row in rows) == [[f"{room}:a", "0", "0", "user"], [f"{room}:b", "1", "0", "user"]]
    assert {one.address: one.seq for one in found} == {f"{room}:a": 0, f"{room}:b": 1}


def test_all_channels_are_listed_up_to_a_limit(call: Call, at_server: Bus, room: str) -> None:
    with connect(at_server.url) as bus:
        bus.create_channel(f"{room}:a")
        bus.create_channel(f"{room}:b")

    code, out, err = call("channels", "--limit", "1")

    assert code == 0
    assert len(out.splitlines()) == 1
    assert "there is more" in err

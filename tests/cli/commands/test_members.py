"""arqonbus members."""

import pytest

from arqonbus.client.sync import connect
from tests.cli.conftest import Call, records
from tests.specs.bus import Bus

pytestmark = pytest.mark.integration


def test_members_of_a_channel_and_of_a_room_are_listed(call: Call, at_server: Bus, room: str) -> None:
    with connect(at_server.url, profile={"screen_name": "Ana"}) as ana, ana.subscribe(f"{room}:talk"):
        code, out, _ = call("members", f"{room}:talk")
        (record,) = records(call("members", room, "--json").out)

        (fields,) = [line.split("\t") for line in out.splitlines()]
        assert code == 0
        assert fields[:4] == [ana.client, "", "Ana", ""]
        assert (record.client, record.profile) == (ana.client, {"screen_name": "Ana"})


def test_a_room_that_is_not_there_exits_with_6(call: Call, at_server: Bus) -> None:
    code, _, err = call("members", "nowhere")

    assert code == 6
    assert "(not_found)" in err


def test_errors_are_objects_with_json(call: Call, at_server: Bus) -> None:
    code, out, err = call("members", "nowhere", "--json")

    (record,) = records(err)
    assert (code, out) == (6, "")
    assert (record.code, record.exit) == ("not_found", 6)

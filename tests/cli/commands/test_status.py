"""arqonbus status."""

import msgspec
import pytest

from arqonbus.cli.kit.records import StatusRecord
from tests.cli.conftest import Call
from tests.specs.bus import Bus, free_port

pytestmark = pytest.mark.integration


def test_the_state_of_a_server_is_told_in_pairs(call: Call, at_server: Bus) -> None:
    code, out, err = call("status")

    facts = dict(line.split("\t") for line in out.splitlines())
    assert (code, err) == (0, "")
    assert (facts["state"], facts["storage"]) == ("ok", "memory, ok")


def test_the_state_of_a_server_is_told_as_json(call: Call, at_server: Bus) -> None:
    answer = msgspec.json.decode(call("status", "--json").out, type=StatusRecord)

    assert (answer.backend, answer.state, answer.draining) == ("memory", "ok", False)
    assert answer.connections >= 1


def test_no_server_is_told_with_a_hint(call: Call) -> None:
    port = free_port()

    code, out, err = call("status", "--url", f"127.0.0.1:{port}")

    assert (code, out) == (3, "")
    assert err == (
        f"arqonbus: cannot connect to ws://127.0.0.1:{port}: connection refused\n"
        "hint: is the server running? try: arqonbus run\n"
    )

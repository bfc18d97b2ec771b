"""No flag --json is dead: the output of every command that has one is read back by the schema of its records."""

import pytest

from arqonbus.cli.table import COMMANDS, parser_of
from arqonbus.client.sync import connect
from tests.cli.conftest import Call, records
from tests.specs.bus import Bus

CALLS = {
    "pub": ("pub", "{room}:talk", "1"),
    "sub": ("sub", "{room}:talk", "--since", "all", "-n", "1"),
    "status": ("status",),
    "rooms": ("rooms",),
    "channels": ("channels", "{room}"),
    "members": ("members", "{room}"),
    "history": ("history", "{room}:talk"),
    "cmd": ("cmd", "whoami"),
    "token": ("token", "make", "alice"),
    "error": ("error",),
}

ELSEWHERE = {
    "request": "its answer, in commands/test_request.py",
    "reply": "its answers, in commands/test_reply.py",
    "bench": "its result, in commands/test_bench.py",
    "conformance": "its report, in commands/test_conformance.py",
    "doctor": "its findings, in commands/test_doctor.py",
    "ping": "its times, in commands/test_ping.py",
    "top": "its looks, in commands/test_top.py",
    "config": "one object of its own, in commands/test_config.py",
    "check-config": "one object of its own, in commands/test_check_config.py",
    "version": "one object of its own, in commands/test_version.py",
}


def test_every_command_with_the_flag_is_looked_at() -> None:
    with_flag = {name for name in COMMANDS if "--json" in parser_of(name).flags()}

    assert with_flag - CALLS.keys() - ELSEWHERE.keys() == set()
    assert CALLS.keys() <= with_flag


@pytest.mark.integration
@pytest.mark.proves("011/SC-002")
@pytest.mark.parametrize("name", CALLS)
def test_the_output_can_be_read_back(name: str, call: Call, at_server: Bus, room: str) -> None:
    with connect(at_server.url) as bus, bus.subscribe(f"{room}:talk"):
        bus.publish(f"{room}:talk", {"n": 1}, ack=True)

        code, out, _ = call(*(part.format(room=room) for part in CALLS[name]), "--json")

    assert code == 0
    assert records(out)


@pytest.mark.integration
def test_an_error_can_be_read_back(call: Call, at_server: Bus) -> None:
    code, out, err = call("request", "--to", "c-nobody", "1", "--json")

    (record,) = records(err)
    assert (code, out, record.exit) == (5, "", 5)

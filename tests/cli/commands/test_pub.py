"""arqonbus pub."""

import os
import pty
import subprocess
from collections.abc import Callable

import pytest

from arqonbus.client.sync import connect
from tests.cli.conftest import Call, Program, records
from tests.specs.bus import Bus, free_port

pytestmark = pytest.mark.integration

Start = Callable[..., Program]


def kept(call: Call, address: str) -> list[str]:
    return call("history", address, "--all").out.splitlines()


def test_a_message_is_acknowledged_with_its_place(call: Call, at_server: Bus, room: str) -> None:
    code, out, err = call("pub", f"{room}:a", '{"hello":"world"}')
    seq, epoch, id = out.rstrip("\n").split("\t")

    assert (code, err, seq) == (0, "", "1")
    assert epoch
    assert id
    assert kept(call, f"{room}:a") == ['{"hello":"world"}']


def test_an_acknowledgement_can_be_had_as_a_record(call: Call, at_server: Bus, room: str) -> None:
    (record,) = records(call("pub", f"{room}:a", "1", "--json").out)

    assert (record.address, record.seq, record.duplicate, record.stored) == (f"{room}:a", 1, False, "memory")


def test_an_id_is_published_once(call: Call, at_server: Bus, room: str) -> None:
    first, second = (records(call("pub", f"{room}:a", "1", "--id", "order-7", "--json").out)[0] for _ in range(2))

    assert first.id == second.id == "order-7"
    assert first.seq == 1


def test_stdin_is_one_message_or_one_a_line(
    call: Call, at_server: Bus, room: str, stdin: Callable[[str], None]
) -> None:
    stdin('{\n "n": 1\n}\n')
    assert call("pub", f"{room}:a").code == 0
    stdin("x\n2\n")
    assert call("pub", f"{room}:a", "-").code == 0
    stdin("one\n2\n\n{}\n")
    code, out, err = call("pub", f"{room}:a", "--lines")

    assert (code, out) == (0, "")
    assert err.startswith("arqonbus: 3 messages acknowledged in ")
    assert kept(call, f"{room}:a") == ['{"n":1}', '"x\\n2"', '"one"', "2", "{}"]


def test_lines_may_be_texts(call: Call, at_server: Bus, room: str, stdin: Callable[[str], None]) -> None:
    stdin("[INFO] started\n1\n")

    assert call("pub", f"{room}:a", "--lines", "--text").code == 0
    assert kept(call, f"{room}:a") == ['"[INFO] started"', '"1"']


def test_a_wrong_line_is_told_and_what_came_before_it_is_published(
    call: Call, at_server: Bus, room: str, stdin: Callable[[str], None]
) -> None:
    stdin('1\n{"open\n3\n')

    code, _, err = call("pub", f"{room}:a", "--lines")

    assert code == 2
    assert "begins as JSON" in err
    assert "arqonbus: 1 message acknowledged" in err
    assert kept(call, f"{room}:a") == ["1"]


def test_a_count_sends_it_again_in_order_and_with_numbered_ids(call: Call, at_server: Bus, room: str) -> None:
    code, out, _ = call("pub", f"{room}:a", "1", "-n", "200", "--id", "x", "--json")
    acks = records(out)

    assert code == 0
    assert [one.seq for one in acks] == list(range(1, 201))
    assert [one.id for one in acks] == [f"x-{number}" for number in range(1, 201)]


def test_a_rate_is_kept(call: Call, at_server: Bus, room: str) -> None:
    _, _, err = call("pub", f"{room}:a", "1", "-n", "4", "--rate", "20/s")
    elapsed_s = float(err.partition(" in ")[2].partition(" s")[0])

    assert 0.15 <= elapsed_s < 3


def test_without_ack_everything_is_sent_all_the_same(call: Call, at_server: Bus, room: str) -> None:
    code, out, err = call("pub", f"{room}:a", "1", "-n", "300", "--no-ack")

    assert (code, out) == (0, "")
    assert err.startswith("arqonbus: 300 messages sent in ")
    assert len(kept(call, f"{room}:a")) == 300


def test_headers_are_metadata(call: Call, at_server: Bus, room: str) -> None:
    call("pub", f"{room}:a", "1", "-H", "a=1", "--header", "b=x y")
    (record,) = records(call("history", f"{room}:a", "--json").out)

    assert record.metadata == {"a": "1", "b": "x y"}


@pytest.mark.parametrize("ack", ["--ack", "--no-ack"])
def test_what_the_server_refuses_exits_with_4_or_6(ack: str, call: Call, at_server: Bus) -> None:
    code, out, err = call("pub", "_telemetry:activity", "1", ack)

    assert (code, out) == (4, "")
    assert "(forbidden)" in err


def test_a_message_that_is_too_large_exits_with_6(call: Call, at_server: Bus, room: str) -> None:
    with connect(at_server.url) as bus:
        bus.create_channel(f"{room}:a")

    assert call("pub", f"{room}:a", "x" * (2 * 1024 * 1024)).code == 6


def test_no_server_exits_with_3(call: Call) -> None:
    assert call("pub", "a:b", "1", "--url", f"127.0.0.1:{free_port()}").code == 3


def test_ctrl_c_before_the_end_exits_with_130_and_says_how_far_it_came(start: Start, at_server: Bus, room: str) -> None:
    program = start("pub", f"{room}:a", "--lines", stdin=subprocess.PIPE)
    assert program.process.stdin is not None
    program.process.stdin.write("1\n2\n")
    program.process.stdin.flush()
    with connect(at_server.url) as bus, bus.subscribe(f"{room}:a", replay=2) as lines:
        assert [lines.get(timeout_s=10).data for _ in range(2)] == [1, 2]

    code, out, err = program.interrupt()

    assert (code, out) == (130, "")
    assert "2 messages acknowledged" in err
    assert "Traceback" not in err


def test_lines_that_somebody_types_are_messages_each_at_once(start: Start, at_server: Bus, room: str) -> None:
    ours, theirs = pty.openpty()
    program = start("pub", f"{room}:a", stdin=theirs)
    os.close(theirs)
    program.says("each line is a message; Ctrl-D ends")
    with connect(at_server.url) as bus, bus.subscribe(f"{room}:a") as lines:
        os.write(ours, b"hello\n")
        assert lines.get(timeout_s=10).data == "hello"
    os.write(ours, b"\x04")

    code, _, err = program.end()

    os.close(ours)
    assert code == 0
    assert "1 message acknowledged" in err


@pytest.mark.parametrize(
    "argv", [[], ["science"], ["a:b", "{"], ["a:b", "1", "--lines"], ["a:b", "--lines", "-n", "2"],
             ["a:b", "1", "--rate", "x"], ["a:b", "1", "--ack", "--no-ack"], ["a:b", "1", "-H", "x"]]
)  # fmt: skip
def test_what_makes_no_sense_is_wrong_usage(argv: list[str], call: Call, at_server: Bus) -> None:
    assert call("pub", *argv).code == 2

"""arqonbus sub, as a process where it is about processes. What it prints in detail is in test_reading."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable

import pytest

from arqonbus.client.sync import connect
from tests.cli.conftest import Call, Program, records
from tests.specs.bus import Bus, environment, free_port

pytestmark = pytest.mark.integration

Start = Callable[..., Program]


def test_two_terminals_talk(start: Start, call: Call, room: str) -> None:
    reader = start("sub", f"{room}:talk", "-n", "2")
    reader.says("reading")

    assert call("pub", f"{room}:talk", '{"hello":"world"}').code == 0
    assert call("pub", f"{room}:talk", "and so on").code == 0

    assert reader.end() == (0, '{"hello":"world"}\n"and so on"\n', f"arqonbus: reading {room}:talk; Ctrl-C ends\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order_with_a_summary(
    number: signal.Signals, start: Start, call: Call, at_server: Bus, room: str
) -> None:
    with connect(at_server.url) as bus, bus.presence(f"{room}:talk") as here:
        reader = start("sub", f"{room}:talk")
        reader.says("reading")
        assert here.get(timeout_s=5).kind == "joined"
        call("pub", f"{room}:talk", "1")

        code, _, err = reader.interrupt(number)

        assert here.get(timeout_s=5).reason == "left"
    assert code == 0
    assert err.endswith("arqonbus: 1 message\n") or err.endswith("arqonbus: 0 messages\n")
    assert "Traceback" not in err


def test_a_reader_that_goes_away_is_no_error(at_server: Bus, room: str) -> None:
    """As in: arqonbus sub x:y | head -n 1. The second message need not come for it to end."""
    with connect(at_server.url) as bus:
        for number in range(3):
            bus.publish(f"{room}:log", number, ack=True)
    command = f"{sys.executable} -m arqonbus sub {room}:log --since all | head -n 1; exit ${{PIPESTATUS[0]}}"
    env = environment({"ARQONBUS_URL": at_server.url})

    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=env, timeout=15, check=False)

    assert (done.returncode, done.stdout) == (0, "0\n")
    assert "Traceback" not in done.stderr


def test_a_terminal_gets_time_and_place_and_colours(at_server: Bus, room: str) -> None:
    with connect(at_server.url) as bus:
        bus.publish(f"{room}:log", {"n": 1}, ack=True)

    shown = on_terminal(at_server, "sub", f"{room}:log", "--since", "all", "-n", "1", "-q")
    plain = on_terminal(at_server, "sub", f"{room}:log", "--since", "all", "-n", "1", "-q", NO_COLOR="1")
    listed = on_terminal(at_server, "channels", room, NO_COLOR="1")

    assert shown.startswith("\x1b[2m")
    assert shown.endswith('#1\x1b[0m  {"n":1}\r\n')
    assert "\x1b" not in plain
    assert plain.endswith('#1  {"n":1}\r\n')
    titles, row = listed.splitlines()
    assert titles.split() == ["channel", "last", "members", "kind", "created"]
    assert row.split()[:3] == [f"{room}:log", "1", "0"]
    assert row.endswith(" ago")


def on_terminal(server: Bus, *argv: str, **env: str) -> str:
    """Run the program with a terminal of 80 columns as its stdout."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environ = environment({"ARQONBUS_URL": server.url, "TERM": "xterm", **env})
    if "NO_COLOR" not in env:
        environ.pop("NO_COLOR", None)
    environ.pop("COLUMNS", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "arqonbus", *argv], stdin=subprocess.DEVNULL, stdout=theirs, env=environ
    )
    os.close(theirs)
    parts = []
    try:
        while chunk := os.read(ours, 4096):
            parts.append(chunk)
    except OSError:
        pass  # the other side is closed: so Linux says it
    finally:
        os.close(ours)
        process.wait(10)
    return b"".join(parts).decode()


# --- how it may end -------------------------------------------------------------------------------------------------


def test_no_server_exits_with_3_and_a_hint(call: Call) -> None:
    code, out, err = call("sub", "a:b", "--url", f"127.0.0.1:{free_port()}")

    assert (code, out) == (3, "")
    assert err.endswith("connection refused\nhint: is the server running? try: arqonbus run\n")


def test_a_wrong_token_exits_with_4_and_a_right_one_does_not(call: Call, locked_server: Bus) -> None:
    wrong = call("sub", "a:b", "--url", locked_server.url, "--token", "guessed")
    none = call("sub", "a:b", "--url", locked_server.url)
    right = call("sub", "a:b", "--url", locked_server.url, "--token", "key-of-alice", "--timeout", "1")

    assert (wrong.code, none.code, right.code) == (4, 4, 0)
    assert "does not let you in" in wrong.err
    assert "--token-file" in wrong.err
    assert "guessed" not in wrong.err


def test_too_few_messages_in_time_exit_with_5(call: Call, at_server: Bus, room: str) -> None:
    code, out, err = call("sub", f"{room}:quiet", "-n", "1", "--timeout", "1")

    assert (code, out) == (5, "")
    assert "0 of 1 messages came within 1 s" in err


def test_a_time_without_a_count_is_no_failure(call: Call, at_server: Bus, room: str) -> None:
    assert call("sub", f"{room}:quiet", "--timeout", "1").code == 0


def test_what_the_server_refuses_exits_with_6(call: Call, at_server: Bus) -> None:
    code, _, err = call("sub", "_private:channel")

    assert code in (4, 6)
    assert "_private" in err


def test_a_gap_exits_with_7_if_it_is_to(call: Call, at_server: Bus, room: str) -> None:
    with connect(at_server.url) as bus:
        bus.command("create_channel", {"room": room, "channel": "log", "options": {"history_limit": 2}}, type=dict)
        for number in range(1, 6):
            bus.publish(f"{room}:log", number, ack=True)

    code, _, err = call("sub", f"{room}:log", "--since", "1", "--gaps", "fail")
    warned = call("sub", f"{room}:log", "--since", "1", "-n", "2")

    assert code == 7
    assert f"{room}:log: 2 events are missing, #2 to #3 (evicted)" in err
    assert (warned.code, warned.out) == (0, "4\n5\n")
    assert "2 events are missing" in warned.err


@pytest.mark.parametrize(
    "argv",
    [[], ["a b"], ["a:b", "--since", "yesterday"], ["a:*", "--since", "all"], ["a:*", "--group", "g"],
     ["a:b", "--group", "g", "--since", "all"], ["a:b", "--group", "g", "--presence"], ["a:b", "-n", "0"]],
)  # fmt: skip
def test_what_makes_no_sense_is_wrong_usage(argv: list[str], call: Call, at_server: Bus) -> None:
    assert call("sub", *argv).code == 2


def test_an_unfinished_reader_of_json_gets_whole_lines(start: Start, call: Call, room: str) -> None:
    reader = start("sub", f"{room}:talk", "--json")
    assert reader.process.stdout is not None
    (joined,) = records(reader.process.stdout.readline())
    call("pub", f"{room}:talk", "1")
    (message,) = records(reader.process.stdout.readline())

    assert (joined.address, joined.seq) == (f"{room}:talk", 0)
    assert (message.address, message.seq, bytes(message.payload)) == (f"{room}:talk", 1, b"1")
    assert reader.interrupt().code == 0

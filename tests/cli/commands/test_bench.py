"""`arqonbus bench` against a real server."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from arqonbus.cli.kit.measures import BenchRecord
from tests.cli.conftest import Call
from tests.specs.bus import Bus, environment

pytestmark = pytest.mark.integration

SMALL = ("bench", "--clients", "3", "--rate", "100", "--duration", "0.2", "--warmup", "0.1", "--size", "64")


def test_a_run_is_told_to_people_and_to_programs_and_compared(at_server: Bus, call: Call, tmp_path: Path) -> None:
    as_json = call(*SMALL, "--json")
    run = msgspec.json.decode(as_json.out, type=BenchRecord)
    assert (as_json.code, run.sent, run.received, run.measured, run.lost) == (0, 30, 90, 60, 0)
    (tmp_path / "before.json").write_text(as_json.out)

    compared = call(*SMALL, "--compare", str(tmp_path / "before.json"), "--fail-if", "lost>0")

    assert compared.out.startswith(
        "fanout: 3 readers of one channel, 100/s of 64 bytes, 0.2 s after 0.1 s of warm-up\n"
    )
    assert "compared              before         now    change\n" in compared.out
    assert "not alike: " not in compared.out or "was not valid" in compared.out
    assert compared.code == (0 if "verdict    valid" in compared.out else 7)


def test_a_mark_that_is_missed_is_told_and_is_an_exit_code(at_server: Bus, call: Call) -> None:
    called = call(*SMALL, "--fail-if", "p50>0.0001ms", "--fail-if", "received_per_s>1")

    assert called.code == 7
    assert called.err.count("arqonbus: failed: ") == 2


def test_a_run_that_could_not_be_kept_is_not_valid(at_server: Bus, call: Call) -> None:
    called = call("bench", "--clients", "1", "--rate", "1000000", "--duration", "0.1", "--warmup", "0", "--json")

    run = json.loads(called.out)
    assert not run["valid"]
    # A fast machine gets all of them out, but late.
    assert "messages were not sent in time" in run["doubts"][0] or "the generator was" in run["doubts"][0]
    assert (called.code, called.err.splitlines()[-1][:9]) == (0, "arqonbus:")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--fail-if", "p99>+20%"), "a change in % needs --compare FILE"),
        (("--fail-if", "speed>1"), "--fail-if: expected one of p50"),
        (("--compare", "/nowhere.json"), "--compare /nowhere.json: No such file"),
        (("--clients", "0"), "expected a number above 0, got '0'"),
        (("--clients", "many"), "expected a number above 0, got 'many'"),
        (("triangle",), "invalid choice: 'triangle'"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_sent(arguments: tuple[str, ...], words: str, call: Call) -> None:
    called = call("bench", *arguments)

    assert (called.code, called.out) == (2, "")
    assert words in called.err


def test_a_file_that_is_no_run_is_told(call: Call, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"type":"status","v":1}')

    called = call("bench", "--compare", str(tmp_path / "other.json"))

    assert called.code == 2
    assert "expected what `arqonbus bench --json` wrote" in called.err


def test_no_server_and_a_wrong_token_have_exit_codes_of_their_own(call: Call, locked_server: Bus) -> None:
    assert call(*SMALL, "--url", "ws://127.0.0.1:9/").code == 3
    assert call(*SMALL, "--url", locked_server.url, "--token", "guessed").code == 4


def test_a_server_that_lets_the_token_in_is_measured(call: Call, locked_server: Bus) -> None:
    called = call(*SMALL, "--url", locked_server.url, "--token", "key-of-alice", "--json")

    assert json.loads(called.out)["received"] == 90


def test_ctrl_c_ends_every_process_of_a_run(at_server: Bus) -> None:
    command = [sys.executable, "-m", "arqonbus", "bench", "--duration", "60", "--clients", "2", "--processes", "2"]
    process = subprocess.Popen(
        command, env=environment({"ARQONBUS_URL": at_server.url}), stdout=subprocess.PIPE, start_new_session=True
    )
    until = time.monotonic() + 15
    while len(_children(process.pid)) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    children = _children(process.pid)
    os.killpg(process.pid, signal.SIGINT)

    assert process.communicate(timeout=10) == (b"", None)
    assert process.returncode == 130
    assert len(children) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

"""`arqonbus ping` against real servers."""

import asyncio
import json
import signal
import subprocess
import sys

import pytest

from arqonbus.testing.chaos import ChaosProxy
from tests.cli.conftest import Call
from tests.specs.bus import Bus, environment

pytestmark = pytest.mark.integration


def test_every_answer_and_the_percentiles_are_told(at_server: Bus, call: Call) -> None:
    called = call("ping", "-n", "3", "--every", "0.01")

    lines = called.out.splitlines()
    assert (called.code, called.err) == (0, "")
    assert [line.split()[0] for line in lines[:3]] == ["1", "2", "3"]
    assert all(line.endswith(" ms") for line in lines[:3])
    assert lines[3] == "3 sent, 3 answered"
    assert [word for word in lines[4].split() if word[0].isalpha()] == [
        *("min", "p50", "p90", "p99", "p99.9", "max", "mean", "ms"),
    ]


def test_programs_get_an_object_for_each_and_one_for_all(at_server: Bus, call: Call) -> None:
    records = [json.loads(line) for line in call("ping", "-n", "2", "--every", "0", "--json").out.splitlines()]

    assert [record["type"] for record in records] == ["ping", "ping", "pings"]
    assert (records[1]["n"], records[2]["sent"], records[2]["answered"]) == (2, 2, 2)
    assert records[2]["ms"]["min"] <= records[2]["ms"]["p50"] <= records[2]["ms"]["max"]


def test_quiet_leaves_the_percentiles(at_server: Bus, call: Call) -> None:
    assert call("ping", "-n", "2", "--every", "0", "-q").out.startswith("2 sent, 2 answered\nmin ")


async def test_answers_that_do_not_come_are_told_and_are_an_exit_code(server: Bus) -> None:
    async with ChaosProxy("127.0.0.1", server.port) as proxy:
        arguments = ["-n", "2", "--every", "0.8", "--timeout", "0.4", "--url", proxy.url]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "arqonbus", "ping", *arguments),
            stdout=asyncio.subprocess.PIPE,
            env=environment(),
        )
        assert process.stdout is not None
        first = await process.stdout.readline()
        proxy.is_deaf = True
        rest = await process.stdout.read()

    assert first.endswith(b" ms\n")
    assert b"    2  no answer\n2 sent, 1 answered\n" in rest
    assert await process.wait() == 0


def test_ctrl_c_ends_an_endless_one_in_order(at_server: Bus) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "arqonbus", "ping", "-n", "0", "--every", "0.01"],
        env=environment({"ARQONBUS_URL": at_server.url}),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().split()[0] == "1"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)

    assert process.returncode == 0
    assert " answered\nmin " in out


@pytest.mark.parametrize("arguments", [("-n", "-1"), ("-n", "x"), ("--every", "-1"), ("--every", "soon")])
def test_wrong_usage_is_told(arguments: tuple[str, str], call: Call) -> None:
    assert call("ping", *arguments).code == 2


def test_no_server_has_an_exit_code_of_its_own(call: Call) -> None:
    assert call("ping", "--url", "ws://127.0.0.1:9/").code == 3

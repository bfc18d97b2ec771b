"""A process of a run, spoken to as its coordinator does."""

import asyncio
import json
import subprocess
import sys
from selectors import SelectSelector
from time import monotonic_ns

import msgspec
import pytest

from arqonbus.cli.bench import worker
from arqonbus.cli.bench.plan import Part
from tests.cli.bench.test_crew import plan
from tests.specs.bus import Bus, environment

pytestmark = pytest.mark.integration


def started() -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "arqonbus.cli.bench.worker"]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment())


def told(process: "subprocess.Popen[str]", **order: object) -> dict[str, object]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(msgspec.json.encode(order).decode() + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def test_a_worker_does_as_it_is_told_step_by_step(server: Bus) -> None:
    process = started()
    run = plan(server.url, "pairs")

    assert told(process, plan=run, part=Part((0, 1, 2), sends=True)) == {"ready": True}
    ends = told(process, start_ns=monotonic_ns())["ends"]
    assert ends == {f"{run.room}:c{number:06}": 10 for number in range(3)}
    outcome = told(process, ends=ends)["outcome"]

    assert isinstance(outcome, dict) and outcome["received"] == 30
    assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == 0


def test_an_error_of_a_worker_is_an_answer(locked_server: Bus) -> None:
    process = started()

    answer = told(process, plan=plan(locked_server.url, "fanout"), part=Part((0,), sends=True))

    assert answer["code"] == "unauthenticated"
    assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == 1


def test_a_worker_that_nobody_talks_to_any_more_ends(server: Bus) -> None:
    process = started()
    assert told(process, plan=plan(server.url, "fanout"), part=Part((0,), sends=True)) == {"ready": True}

    assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == 1


def test_few_clients_get_exact_timers_and_many_get_any_number_of_sockets() -> None:
    factory = worker._loop_for(10)
    assert factory is not None
    loop = factory()
    assert isinstance(loop, asyncio.SelectorEventLoop)
    assert isinstance(loop._selector, SelectSelector)  # type: ignore[attr-defined]
    loop.close()
    assert worker._loop_for(5_000) is None

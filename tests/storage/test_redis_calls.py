"""Calls where there may be no wire, scripts that may be forgotten, reads in their turn."""

from __future__ import annotations

from typing import Any

import pytest

from arqonbus.storage.redis_calls import MOST_READS, Reads, call, ignore, run
from arqonbus.storage.redis_scripts import Script
from arqonbus.storage.redis_wire import WireLost
from tests.storage.redis_server import RedisServer
from tests.storage.test_redis_wire import opened

ECHO = Script("echo", "return ARGV[1]", 0)


def test_without_a_wire_the_answer_is_that_it_was_not_sent() -> None:
    answers: list[Any] = []
    call(None, answers.append, ("PING",))
    run(None, answers.append, ECHO, ("a",))
    Reads(lambda: None).run(answers.append, ECHO, ("a",))

    assert [(type(answer), answer.was_sent) for answer in answers] == [(WireLost, False)] * 3
    assert ignore(answers) is None


@pytest.mark.integration
async def test_a_script_that_redis_does_not_know_is_taught(redis_server: RedisServer) -> None:
    redis_server.do("SCRIPT", "FLUSH")
    wire, _ = await opened(redis_server.url)
    answers: list[Any] = []
    run(wire, answers.append, ECHO, ("a",))
    await wire.request("PING")
    await wire.request("PING")
    run(wire, answers.append, ECHO, ("b",))
    await wire.request("PING")

    assert answers == [b"a", b"b"]
    wire.close()


@pytest.mark.integration
async def test_reads_take_their_turn(redis_server: RedisServer) -> None:
    wire, _ = await opened(redis_server.url)
    reads, answers = Reads(lambda: wire), []
    await wire.request("SCRIPT", "LOAD", ECHO.text)

    for i in range(3 * MOST_READS):
        reads.run(answers.append, ECHO, (i,))
    assert (len(reads), wire.n_waiting) == (3 * MOST_READS, MOST_READS)
    for _ in range(4):
        await wire.request("PING")
    assert answers == [b"%d" % i for i in range(3 * MOST_READS)]
    assert len(reads) == 0
    wire.close()


@pytest.mark.integration
async def test_reads_that_wait_are_told_when_there_is_no_wire(redis_server: RedisServer) -> None:
    wire, _ = await opened(redis_server.url)
    reads, answers = Reads(lambda: wire), []
    for _ in range(MOST_READS + 5):
        reads.run(answers.append, ECHO, ("a",))

    reads.refuse("gone")
    assert [answer.was_sent for answer in answers] == [False] * 5
    wire.close()
    assert len(answers) == MOST_READS + 5

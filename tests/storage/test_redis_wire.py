"""One connection: answers in order, and the truth about calls that got none. On a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from redis.asyncio.connection import Connection

from arqonbus.errors import StorageError
from arqonbus.storage.redis_address import parse
from arqonbus.storage.redis_wire import ReplyError, Wire, WireLost, code_of
from tests.storage.redis_server import RedisServer, free_port

pytestmark = pytest.mark.integration


class Ends:
    """Takes the news that a wire is lost."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.told = asyncio.Event()

    def __call__(self, reason: str) -> None:
        self.reasons.append(reason)
        self.told.set()


async def opened(url: str, timeout_s: float = 5.0, **more: Any) -> tuple[Wire, Ends]:
    address, ends = parse(url), Ends()
    wire = Wire(address.connection(address.hosts[0]), timeout_s, ends, **more)
    await wire.open()
    return wire, ends


def test_the_private_parts_of_redis_py_that_a_wire_takes_are_there() -> None:
    connection = Connection()

    assert connection._reader is None
    assert connection._writer is None


async def test_answers_come_in_the_order_of_the_calls(redis_server: RedisServer) -> None:
    wire, _ = await opened(redis_server.url)
    answers: list[Any] = []

    for i in range(100):
        wire.call(answers.append, "ECHO", i)
    assert await wire.request("PING") == b"PONG"
    assert answers == [b"%d" % i for i in range(100)]
    assert wire.n_waiting == 0
    wire.close()


async def test_all_calls_of_one_tick_go_out_in_one_write(redis_server: RedisServer) -> None:
    wire, _ = await opened(redis_server.url)
    before = int(redis_server.info("stats")["total_reads_processed"])

    for _ in range(50):
        wire.call(lambda answer: None, "PING")
    await wire.request("PING")
    after = int(redis_server.info("stats")["total_reads_processed"])
    assert after - before < 10  # some of them are those of the look itself
    wire.close()


async def test_an_error_is_an_answer_of_its_own_kind(redis_server: RedisServer) -> None:
    wire, ends = await opened(redis_server.url)
    answers: list[Any] = []

    wire.call(answers.append, "EVALSHA", "0" * 40, 0)
    with pytest.raises(ReplyError) as caught:
        await wire.request("NOSUCH")
    assert caught.value.code == "ERR"
    assert [code_of(answer) for answer in (*answers, None)] == ["NOSCRIPT", ""]
    assert wire.is_open
    assert ends.reasons == []
    wire.close()


async def test_a_wire_for_subscriptions_hands_on_all_that_comes(redis_server: RedisServer) -> None:
    news: list[Any] = []
    wire, _ = await opened(redis_server.url, on_push=news.append)

    wire.send("SUBSCRIBE", "a", "b")
    wire.send("PING")
    await _until(lambda: len(news) == 3)
    redis_server.do("PUBLISH", "b", "x")
    await _until(lambda: len(news) == 4)
    assert news == [[b"subscribe", b"a", 1], [b"subscribe", b"b", 2], [b"pong", b""], [b"message", b"b", b"x"]]
    wire.close()


async def test_who_waits_when_a_wire_is_closed_is_told_whether_the_call_went_out(redis_server: RedisServer) -> None:
    wire, ends = await opened(redis_server.url)
    answers: list[Any] = []
    redis_server.pause()
    wire.call(answers.append, "INCR", "n")
    await asyncio.sleep(0.01)
    wire.call(answers.append, "INCR", "n")
    wire.close()
    wire.close()
    redis_server.resume()
    wire.call(answers.append, "INCR", "n")

    assert [(type(answer), answer.was_sent) for answer in answers] == [
        (WireLost, True),
        (WireLost, False),
        (WireLost, False),
    ]
    await asyncio.sleep(0)
    assert ends.reasons == []


async def test_a_call_that_waits_too_long_ends_the_wire(redis_server: RedisServer) -> None:
    wire, ends = await opened(redis_server.url, timeout_s=0.2)
    loop = asyncio.get_running_loop()
    answers: list[Any] = []
    redis_server.pause()
    wire.call(answers.append, "INCR", "n")
    await asyncio.sleep(0.05)
    wire.check(loop.time())
    assert wire.is_open
    await asyncio.sleep(0.2)
    wire.check(loop.time())
    redis_server.resume()

    assert not wire.is_open
    assert answers[0].was_sent
    await ends.told.wait()
    assert ends.reasons == ["expected an answer within 0.2 s"]


async def test_an_end_that_redis_made_is_told_once(redis_server: RedisServer) -> None:
    wire, ends = await opened(redis_server.url)
    me = await wire.request("CLIENT", "ID")
    redis_server.do("CLIENT", "KILL", "ID", me)

    await ends.told.wait()
    assert ends.reasons == ["Redis closed the connection"]
    assert not wire.is_open
    with pytest.raises(WireLost, match="not connected"):
        await wire.request("PING")
    wire.lose("again")
    await asyncio.sleep(0)
    assert len(ends.reasons) == 1


async def test_a_request_whose_caller_is_gone_harms_nobody(redis_server: RedisServer) -> None:
    wire, _ = await opened(redis_server.url)
    waiting = asyncio.create_task(wire.request("ECHO", "a"))
    await asyncio.sleep(0)
    waiting.cancel()

    assert await wire.request("ECHO", "b") == b"b"
    wire.close()


async def test_an_answer_of_many_reads_is_one_answer(redis_server: RedisServer) -> None:
    wire, _ = await opened(redis_server.url)

    await wire.request("SET", "big", b"x" * 3_000_000)
    assert await wire.request("GET", "big") == b"x" * 3_000_000
    wire.close()


async def test_no_redis_is_told_at_once() -> None:
    with pytest.raises(StorageError, match="refused|Connect call failed"):
        await opened(f"redis://127.0.0.1:{free_port()}")


async def test_a_redis_that_hangs_is_told_in_time(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    server.pause()
    began_at = asyncio.get_running_loop().time()

    with pytest.raises(StorageError, match=r"expected a connection within 0\.2 s"):
        await opened(server.url.replace("redis://", "redis://:pw@"), timeout_s=0.2)
    server.resume()
    assert asyncio.get_running_loop().time() - began_at < 1.0


async def test_a_wrong_password_is_told(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis("--requirepass", "hush")

    with pytest.raises(StorageError, match=r"WRONGPASS|invalid username-password"):
        await opened(server.url.replace("redis://", "redis://:wrong@"))
    wire, _ = await opened(server.url.replace("redis://", "redis://:hush@"))
    assert await wire.request("PING") == b"PONG"
    wire.close()


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.001)

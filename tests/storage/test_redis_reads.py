"""Reads of a log, on a real Redis."""

from __future__ import annotations

from typing import Any

import pytest
import redis as redis_py

from arqonbus.storage.redis_reads import CATCH_UP, READ, TAIL, TRIM
from arqonbus.storage.redis_scripts import BUMP
from tests.storage.redis_server import RedisServer

pytestmark = pytest.mark.integration

E = 1_000


@pytest.fixture
def client(redis_server: RedisServer) -> Any:
    with redis_server.client() as client:
        yield client


def fill(client: redis_py.Redis, n: int, size: int = 10, step: int = 0) -> None:
    """Append entries 1 to n, the i-th at time i x step."""
    for i in range(1, n + 1):
        client.xadd("log", {"m": f"m{i}", "t": i * step, "d": "x" * size}, id=f"{E}-{i}")


def catch_up(client: redis_py.Redis, seq: int, most: int = 100, size: int = 1_000_000) -> Any:
    return client.eval(CATCH_UP.text, 1, "log", f"{E}-{seq}", most, size)


def read(
    client: redis_py.Redis,
    after: int | str = "",
    before: int | str = "",
    newest: int = 0,
    limit: int = 1000,
    size: int = 0,
    cutoff: int = 0,
    keep: int = 10_000,
    size_bytes: int = 1_000_000,
) -> Any:
    return client.eval(READ.text, 1, "log", after, before, newest, limit, size, cutoff, keep, size_bytes)


def seqs(answer: list[Any]) -> list[int]:
    return answer[4::2]


# --- to catch up ------------------------------------------------------------------------------------------------


def test_a_look_at_the_own_place_shows_that_nothing_is_missing(client: redis_py.Redis) -> None:
    fill(client, 3)

    assert catch_up(client, 3) == [f"{E}-3", f"{E}-3", "m3", "x" * 10]


def test_what_follows_is_read_with_the_own_place_in_front(client: redis_py.Redis) -> None:
    fill(client, 150)

    answer = catch_up(client, 2, most=200)
    assert answer[0] == f"{E}-150"
    assert answer[2::3] == [f"m{i}" for i in range(2, 151)]


@pytest.mark.parametrize(("most", "size"), [(10, 1_000_000), (1000, 640)])
def test_a_page_ends_at_its_bounds_and_says_so(client: redis_py.Redis, most: int, size: int) -> None:
    fill(client, 150)

    answer = catch_up(client, 2, most=most, size=size)
    assert answer[0] is None
    assert len(answer[1::3]) in (10, 64)


def test_a_place_that_is_gone_shows_the_top_all_the_same(client: redis_py.Redis) -> None:
    fill(client, 5)
    client.xtrim("log", maxlen=0)

    assert catch_up(client, 3) == [f"{E}-5"]
    client.delete("log")
    assert catch_up(client, 3) == [""]


def test_the_tail_is_newest_first(client: redis_py.Redis) -> None:
    fill(client, 3)

    assert client.eval(TAIL.text, 1, "log", 2, 1000, 0) == [f"{E}-3", f"{E}-3", "m3", "", "", f"{E}-2", "m2", "", ""]
    assert client.eval(TAIL.text, 1, "log", 9, 25, 1)[1::4] == [f"{E}-3", f"{E}-2"]


def test_the_tail_of_an_empty_log_is_its_top(client: redis_py.Redis) -> None:
    assert client.eval(TAIL.text, 1, "log", 9, 1000, 1) == [""]
    fill(client, 2)
    client.xtrim("log", maxlen=0)
    assert client.eval(TAIL.text, 1, "log", 9, 1000, 1) == [f"{E}-2"]


def test_entries_that_were_carried_over_show_where_they_were(client: redis_py.Redis) -> None:
    fill(client, 2)
    client.eval(BUMP.text, 1, "log", "feed", "PUBLISH", E, 2000, 60_000)

    assert client.eval(TAIL.text, 1, "log", 1, 1000, 1) == ["2000-2", "2000-2", "m2", f"{E}-2", "x" * 10]


# --- pages ------------------------------------------------------------------------------------------------------


def test_a_page_has_epoch_bounds_and_whether_there_is_more(client: redis_py.Redis) -> None:
    fill(client, 200)

    answer = read(client, limit=3)
    assert answer[:4] == [str(E), 1, 200, 1]
    assert answer[4:] == [1, "x" * 10, 2, "x" * 10, 3, "x" * 10]
    assert seqs(read(client, newest=1, limit=130)) == list(range(200, 70, -1))
    assert seqs(read(client, after=198)) == [199, 200]
    assert read(client, after=198)[3] == 0
    assert seqs(read(client, after=3, before=7, newest=1)) == [6, 5, 4]
    assert seqs(read(client, after=200)) == seqs(read(client, before=1)) == []


def test_a_page_is_bounded_in_bytes_but_has_one_entry_at_least(client: redis_py.Redis) -> None:
    fill(client, 5)

    assert seqs(read(client, size=25)) == [1, 2]
    assert read(client, size=25)[3] == 1
    assert seqs(read(client, size=1, newest=1)) == [5]


def test_there_may_be_no_log_or_nothing_in_it(client: redis_py.Redis) -> None:
    assert read(client) is None
    fill(client, 5)
    assert read(client, keep=0) == [str(E), 0, 5, 0]
    assert read(client) == [str(E), 0, 5, 0]


# --- retention --------------------------------------------------------------------------------------------------


def test_too_many_go(client: redis_py.Redis) -> None:
    fill(client, 10)

    assert seqs(read(client, keep=3)) == [8, 9, 10]
    assert client.xlen("log") == 3


@pytest.mark.parametrize(("cutoff", "first"), [(0, 1), (10, 1), (11, 2), (505, 51), (2000, 200), (2001, 0)])
def test_too_old_ones_go(client: redis_py.Redis, cutoff: int, first: int) -> None:
    fill(client, 200, step=10)

    assert read(client, cutoff=cutoff)[1] == first
    assert client.xlen("log") == (200 - first + 1 if first else 0)


@pytest.mark.parametrize(("most", "first"), [(2000, 1), (1999, 2), (1500, 51), (10, 200), (9, 0)])
def test_too_large_ones_go(client: redis_py.Redis, most: int, first: int) -> None:
    fill(client, 200)

    assert read(client, size_bytes=most)[1] == first


def test_a_long_log_is_held_to_its_bytes_by_the_memory_that_it_takes(client: redis_py.Redis) -> None:
    pipe = client.pipeline()
    for i in range(1, 5001):
        pipe.xadd("log", {"m": f"m{i}", "t": 0, "d": "x" * 200}, id=f"{E}-{i}")
    pipe.execute()

    for _ in range(30):
        client.eval(TRIM.text, 2, "log", "note", 0, 100_000, 500_000, 0)
    n_bytes = client.xlen("log") * 200
    assert 250_000 < n_bytes <= 500_000


def test_what_a_group_has_not_had_or_has_in_work_stays(client: redis_py.Redis) -> None:
    fill(client, 10)
    client.xgroup_create("log", "g", "0")
    client.xreadgroup("g", "worker", {"log": ">"}, count=6)
    client.xack("log", "g", *[f"{E}-{i}" for i in (1, 2, 3, 5)])

    read(client, keep=2)
    assert client.xrange("log")[0][0] == f"{E}-4"
    client.xack("log", "g", f"{E}-4", f"{E}-6")
    read(client, keep=2)
    assert client.xrange("log")[0][0] == f"{E}-7"
    client.xgroup_destroy("log", "g")
    read(client, keep=2)
    assert client.xlen("log") == 2


def test_trimming_lengthens_the_life_of_log_and_note_when_asked(client: redis_py.Redis) -> None:
    fill(client, 3)
    client.set("note", "x")

    assert client.eval(TRIM.text, 2, "log", "note", 0, 2, 1000, 5000) == 2
    assert 0 < client.pttl("log") <= 5000
    assert 0 < client.pttl("note") <= 5000

"""What is said of a Redis, and what to do. On real ones."""

from collections.abc import Callable

import pytest

from arqonbus.cli.doctor.shared_store import check_redis
from arqonbus.cli.kit.measures import Finding
from arqonbus.config import Settings
from arqonbus.config.settings import Redis
from tests.specs.bus import free_port
from tests.storage.conftest import new_redis  # noqa: F401 - a fixture
from tests.storage.redis_server import RedisServer

pytestmark = pytest.mark.integration


async def found(url: str) -> dict[str, Finding]:
    return {one.what: one for one in await check_redis(Settings(redis=Redis(url=url, timeout_s=0.5)))}


async def test_without_redis_it_is_said_what_a_restart_does() -> None:
    assert (await found(""))["redis"].words.endswith("a restart empties it")


async def test_what_may_be_lost_is_said_plainly(new_redis: Callable[..., RedisServer]) -> None:  # noqa: F811
    server = new_redis("--appendonly", "yes", "--appendfsync", "everysec")
    everysec = (await found(server.url))["redis persistence"]
    assert (everysec.verdict, everysec.do) == ("ok", "for channels that may lose nothing at all: appendfsync always")
    assert "a crash can lose the last second or two of what was acknowledged" in everysec.words

    server.do("CONFIG", "SET", "appendonly", "no")
    off = (await found(server.url))["redis persistence"]
    assert (off.verdict, off.do[:18]) == ("warning", "set appendonly yes")


async def test_a_redis_that_throws_things_away_is_wrong_and_says_what_to_do(
    new_redis: Callable[..., RedisServer],  # noqa: F811
) -> None:
    finding = (await found(new_redis("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru").url))["redis memory"]

    assert finding.verdict == "wrong"
    assert "noeviction" in finding.do


async def test_no_redis_is_wrong() -> None:
    finding = (await found(f"redis://127.0.0.1:{free_port()}"))["redis connection"]

    assert (finding.verdict, finding.do[:11]) == ("wrong", "start Redis")


async def test_a_url_that_is_none_is_wrong_and_not_shown() -> None:
    (finding,) = (await found("http://user:hush@somewhere")).values()

    assert finding.verdict == "wrong"
    assert "hush" not in finding.words

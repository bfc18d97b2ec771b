"""What a look at a Redis finds. On real ones, good and bad."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from arqonbus.storage import redis_doctor
from arqonbus.storage.redis_address import parse
from arqonbus.storage.redis_doctor import Finding, examine
from tests.storage.redis_server import RedisServer, free_port

pytestmark = pytest.mark.integration

GOOD = (
    *("--appendonly", "yes", "--appendfsync", "always", "--maxmemory", "100mb"),
    *("--client-output-buffer-limit", "pubsub 256mb 64mb 60"),
)


async def found(url: str) -> dict[str, Finding]:
    return {finding.what: finding for finding in await examine(parse(url))}


async def test_a_good_redis_is_told_to_be_good(new_redis: Callable[..., RedisServer]) -> None:
    findings = await found(new_redis(*GOOD).url)

    assert {finding.verdict for finding in findings.values()} == {"ok"}
    assert list(findings) == ["version", "role", "persistence", "memory", "copies", "buffers", "latency", "clock"]
    assert findings["persistence"].words == "appendonly with fsync always: what was acknowledged is on the disk"


async def test_what_can_be_lost_is_told(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    off = (await found(server.url))["persistence"]
    assert (off.verdict, off.words[:19]) == ("warning", "appendonly is off: ")
    server.do("CONFIG", "SET", "appendonly", "yes")
    everysec = (await found(server.url))["persistence"]
    assert (everysec.verdict, "the last second or two" in everysec.words) == ("ok", True)
    server.do("CONFIG", "SET", "appendfsync", "no")
    assert (await found(server.url))["persistence"].verdict == "warning"


async def test_a_redis_that_throws_things_away_is_wrong(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis("--maxmemory-policy", "allkeys-lru")
    assert (await found(server.url))["memory"].verdict == "warning"
    server.do("CONFIG", "SET", "maxmemory", "100mb")

    assert (await found(server.url))["memory"] == Finding(
        "wrong",
        "memory",
        "expected maxmemory-policy noeviction, got allkeys-lru: Redis may throw away channels to make room",
    )
    server.do("CONFIG", "SET", "maxmemory-policy", "noeviction")
    server.do("CONFIG", "SET", "maxmemory", 1_000_000)
    assert (await found(server.url))["memory"].verdict == "warning"


async def test_a_copy_is_wrong_and_a_primary_with_copies_is_told_what_that_means(
    new_redis: Callable[..., RedisServer],
) -> None:
    primary = new_redis()
    copy = new_redis("--replicaof", f"127.0.0.1 {primary.port}")

    assert (await found(copy.url))["role"] == Finding("wrong", "role", "expected a primary, got a slave")
    while primary.info("replication")["connected_slaves"] != 1:
        time.sleep(0.05)
    assert (await found(primary.url))["copies"].verdict == "warning"
    primary.do("CONFIG", "SET", "min-replicas-to-write", 1)
    assert (await found(primary.url))["copies"].verdict == "ok"


async def test_small_buffers_are_told(new_redis: Callable[..., RedisServer]) -> None:
    assert (await found(new_redis().url))["buffers"].verdict == "warning"


async def test_what_may_not_be_asked_for_is_no_fault(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(*GOOD)
    server.do("ACL", "SETUSER", "bus", "on", ">hush", "+@all", "-config", "~*", "&*")
    findings = await found(f"redis://bus:hush@127.0.0.1:{server.port}")

    assert findings["buffers"] == Finding("ok", "buffers", "may not be asked for")
    assert "everysec by default" in findings["persistence"].words


async def test_a_clock_that_is_off_is_told(redis_server: RedisServer) -> None:
    findings = await examine(parse(redis_server.url), wall=lambda: time.time() - 5)

    (clock,) = [finding for finding in findings if finding.what == "clock"]
    assert clock.verdict == "warning"
    assert clock.words.startswith("Redis is +50")


async def test_no_redis_is_one_finding() -> None:
    for scheme, path in (("redis", ""), ("redis+sentinel", "/main"), ("redis+cluster", "")):
        (finding,) = await examine(parse(f"{scheme}://127.0.0.1:{free_port()}{path}"), timeout_s=0.5)
        assert (finding.verdict, finding.what) == ("wrong", "connection")


@pytest.mark.parametrize(
    ("info", "verdict", "words"),
    [
        ({"redis_version": "6.2.7"}, "wrong", "expected Redis 7.0 or newer, got 6.2.7"),
        ({"redis_version": "8.2.1"}, "ok", "Redis 8.2.1"),
        ({"redis_version": "7.2.4", "valkey_version": "8.0.1"}, "ok", "Valkey 8.0.1"),
        ({"redis_version": "7.2.4", "valkey_version": "7.1.0"}, "wrong", "expected Valkey 7.2 or newer, got 7.1.0"),
    ],
)
def test_versions_are_told_apart(info: dict[str, str], verdict: str, words: str) -> None:
    assert redis_doctor._version(info) == Finding(verdict, "version", words)  # type: ignore[arg-type]

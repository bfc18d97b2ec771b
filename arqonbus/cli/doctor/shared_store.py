"""Shared store: what the storage's own doctor says of Redis, and what to do about it."""

from __future__ import annotations

from typing import Final

from arqonbus.cli.kit.measures import Finding
from arqonbus.config import Settings
from arqonbus.storage.redis_address import parse
from arqonbus.storage.redis_doctor import examine

__all__ = ["check_redis"]

_DO: Final = {
    "connection": "start Redis, or mend redis.url; redis.timeout_s is what it may take",
    "version": "install a newer one",
    "role": "let redis.url name the primary, or use redis+sentinel://, which finds it",
    "persistence": "set appendonly yes and appendfsync everysec; always, where nothing acknowledged may be lost",
    "memory": "set maxmemory, and maxmemory-policy noeviction; a Redis of its own, not the cache",
    "copies": "set min-replicas-to-write 1 and min-replicas-max-lag 5",
    "buffers": "set client-output-buffer-limit pubsub 256mb 64mb 60",
    "latency": "put Redis nearer to the bus, on a machine of its own; redis-cli --latency shows the way to it",
    "clock": "run a time service (chrony, systemd-timesyncd) on both machines",
}
"""By what was looked at."""

_LESS_TO_LOSE: Final = "for channels that may lose nothing at all: appendfsync always"


async def check_redis(settings: Settings) -> list[Finding]:
    """Look at every primary of `redis.url`."""
    if not settings.redis.url:
        return [
            Finding("redis", "ok", "not used: this server keeps everything in its memory, and a restart empties it")
        ]
    try:
        address = parse(settings.redis.url)
    except ValueError as error:
        return [Finding("redis", "wrong", f"redis.url: {error}", "see docs/CONFIGURATION.md")]
    found = []
    for one in await examine(address, settings.redis.timeout_s):
        part = one.what.split(" ")[0]
        do = _DO.get(part, "see docs/REDIS.md") if one.verdict != "ok" else ""
        if part == "persistence" and one.verdict == "ok" and "can lose" in one.words:
            do = _LESS_TO_LOSE
        found.append(Finding(f"redis {one.what}", one.verdict, one.words, do))
    return found

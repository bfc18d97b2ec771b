"""Doctor: looks at a Redis before the bus depends on it, and says in words what is wrong with it, or can be lost."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from arqonbus.errors import StorageError
from arqonbus.storage.redis_address import Address, Where
from arqonbus.storage.redis_topology import ask_cluster, ask_sentinels
from arqonbus.storage.redis_wire import ReplyError, Wire

__all__ = ["LEAST_VERSION", "Finding", "Verdict", "examine"]

LEAST_VERSION = (7, 0)
LEAST_VALKEY = (7, 2)
N_PINGS = 20
SLOW_MS = 5.0  # of a PING, at the median: every event of a channel waits for one
SKEW_MS = 1_000  # between the clocks: more, and times in the log look wrong to people
LEAST_BUFFER = 67_108_864  # bytes that Redis should hold for a listener; less, and a busy node is thrown out

Verdict = Literal["ok", "warning", "wrong"]


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    verdict: Verdict  # ``wrong``: the bus will not work, or not keep what it promises
    what: str
    words: str


async def examine(address: Address, timeout_s: float = 1.0, wall: Callable[[], float] = time.time) -> list[Finding]:
    """Look at every primary.

    Args:
        address: of Redis.
        timeout_s: for each call.
        wall: seconds since 1970.

    Returns:
        What was found, at least one. Never raises for what Redis does or does not.
    """
    try:
        places = await _primaries(address, timeout_s)
    except StorageError as error:
        return [Finding("wrong", "connection", str(error))]
    findings = []
    for where in places:
        name = f"{where[0]}:{where[1]}" if where[1] else where[0]
        found = await _examine_one(address, where, timeout_s, wall)
        several = len(places) > 1
        findings += [Finding(f.verdict, f"{f.what} of {name}" if several else f.what, f.words) for f in found]
    return findings


async def _primaries(address: Address, timeout_s: float) -> list[Where]:
    if address.kind == "sentinel":
        return [await ask_sentinels(address, timeout_s)]
    if address.kind == "cluster":
        owners = await ask_cluster(address, address.hosts, timeout_s)
        if None in owners:
            raise StorageError("some slots of the cluster are served by nobody")
        return sorted({owner for owner in owners if owner is not None})
    return [address.hosts[0]]


async def _examine_one(address: Address, where: Where, timeout_s: float, wall: Callable[[], float]) -> list[Finding]:
    wire = Wire(address.connection(where), timeout_s, lambda reason: None)
    try:
        await wire.open()
        async with asyncio.timeout(timeout_s * 10):
            info = _fields(await wire.request("INFO"))
            return [
                _version(info),
                _role(info),
                _persistence(info, await _setting(wire, "appendfsync")),
                _memory(info),
                _copies(info, await _setting(wire, "min-replicas-to-write")),
                _buffers(await _setting(wire, "client-output-buffer-limit")),
                await _latency(wire),
                await _clock(wire, wall),
            ]
    except (StorageError, TimeoutError) as error:
        return [Finding("wrong", "connection", str(error) or "expected answers in time")]
    finally:
        wire.close()


def _fields(info: bytes) -> dict[str, str]:
    lines = info.decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


async def _setting(wire: Wire, name: str) -> str | None:
    """Give a setting; None: the user may not ask for it, as with most hosted ones."""
    try:
        answer = await wire.request("CONFIG", "GET", name)
    except ReplyError:
        return None
    return answer[1].decode() if answer else None


def _version(info: dict[str, str]) -> Finding:
    valkey, version = info.get("valkey_version"), info.get("redis_version", "0.0")
    least, name = (LEAST_VALKEY, "Valkey") if valkey else (LEAST_VERSION, "Redis")
    shown = valkey or version
    words = f"{name} {shown}"
    if tuple(int(part) for part in shown.split(".")[:2]) < least:
        return Finding("wrong", "version", f"expected {name} {least[0]}.{least[1]} or newer, got {shown}")
    return Finding("ok", "version", words)


def _role(info: dict[str, str]) -> Finding:
    role = info.get("role", "")
    if role != "master":
        return Finding("wrong", "role", f"expected a primary, got a {role}")
    return Finding("ok", "role", "a primary")


def _persistence(info: dict[str, str], fsync: str | None) -> Finding:
    if info.get("aof_enabled") != "1":
        words = "appendonly is off: when Redis restarts, what was acknowledged since the last snapshot is lost"
        return Finding("warning", "persistence", f"{words}, or all of it; every channel then begins anew")
    if fsync == "always":
        return Finding("ok", "persistence", "appendonly with fsync always: what was acknowledged is on the disk")
    policy = fsync or "a policy that may not be asked for, everysec by default"
    words = f"appendonly with fsync {policy}: a crash can lose the last second or two of what was acknowledged"
    return Finding("warning" if fsync == "no" else "ok", "persistence", words)


def _memory(info: dict[str, str]) -> Finding:
    most, policy = int(info.get("maxmemory", "0")), info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        words = f"expected maxmemory-policy noeviction, got {policy}: Redis may throw away channels to make room"
        return Finding("wrong" if most else "warning", "memory", words)
    if not most:
        return Finding("warning", "memory", "maxmemory is not set: Redis grows until the machine ends it")
    used = int(info.get("used_memory", "0")) / most
    words = f"{used:.0%} of maxmemory in use; when it is full, events are refused"
    return Finding("warning" if used > 0.8 else "ok", "memory", words)


def _copies(info: dict[str, str], least: str | None) -> Finding:
    n = int(info.get("connected_slaves", "0"))
    if not n:
        return Finding("ok", "copies", "none: nothing takes over when this Redis is gone")
    words = f"{n}; what they had not heard when they take over is lost, and channels then begin anew, which is told"
    if least == "0":
        return Finding("warning", "copies", f"{words}; min-replicas-to-write is 0, so a primary cut off goes on alone")
    return Finding("ok", "copies", words)


def _buffers(limits: str | None) -> Finding:
    if limits is None:
        return Finding("ok", "buffers", "may not be asked for")
    words = limits.split()
    at = words.index("pubsub") if "pubsub" in words else -1
    hard, soft = (int(words[at + 1]), int(words[at + 2])) if at >= 0 else (0, 0)
    small = min((limit for limit in (hard, soft) if limit), default=LEAST_BUFFER)
    if small < LEAST_BUFFER:
        told = "a node that falls behind is thrown out, and reads what it missed from the log"
        return Finding(
            "warning", "buffers", f"client-output-buffer-limit pubsub is {small} bytes: {told}; 256mb 64mb 60 is better"
        )
    return Finding("ok", "buffers", "client-output-buffer-limit pubsub leaves room")


async def _latency(wire: Wire) -> Finding:
    times = []
    for _ in range(N_PINGS):
        began_at = time.perf_counter()
        await wire.request("PING")
        times.append((time.perf_counter() - began_at) * 1000)
    median, worst = statistics.median(times), max(times)
    words = f"{median:.2f} ms at the median, {worst:.2f} ms at worst, of {N_PINGS}"
    return Finding("warning" if median > SLOW_MS else "ok", "latency", words)


async def _clock(wire: Wire, wall: Callable[[], float]) -> Finding:
    before = wall()
    seconds, micros = await wire.request("TIME")
    skew_ms = (int(seconds) + int(micros) / 1e6 - (before + wall()) / 2) * 1000
    if abs(skew_ms) > SKEW_MS:
        return Finding(
            "warning", "clock", f"Redis is {skew_ms:+.0f} ms off; nodes follow it, but times of events differ"
        )
    return Finding("ok", "clock", f"{skew_ms:+.1f} ms off")

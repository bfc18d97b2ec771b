"""Store: the shared store of this server, made of the settings, waited for at the start, ended after the drain.

What nodes share is in ``storage``; here is only what one process says of it: whether it is there, where it is looked
for (never the password), and one log line for each change.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable

from msgspec import Struct

from arqonbus.config import Settings
from arqonbus.errors import ConfigError
from arqonbus.storage.redis_address import Address, parse
from arqonbus.storage.redis_cluster import RedisCluster
from arqonbus.storage.redis_history import RedisHistory
from arqonbus.storage.redis_store import RedisSetup
from arqonbus.storage.shared_log import LinkState
from arqonbus.telemetry.logs import EventLog, get_log
from arqonbus.telemetry.metrics import Reading

__all__ = ["Notices", "Store", "place_of"]

POLL_S = 0.02  # between two looks whether all that waits has its outcome, at the end
LINES_A_SECOND = 10  # of one kind: one fault of Redis may concern ten thousand channels

_TOLD_WITH_THE_STATE = frozenset({"redis_lost", "redis_cut", "redis_topology_unknown"})
"""Say why the state changes, a moment before or after it does: they are the reason in its line."""

_CALM = frozenset({"node_joined", "node_left", "node_cleared_away", "redis_group_expired"})
"""Happen where nothing is wrong."""


class Notices:
    """Makes log lines of what the store says: one for each change of its state, with the reason.

    Args:
        log: takes them.
        now: monotonic seconds.
        place: where Redis is looked for, as long as it was nowhere found.
    """

    def __init__(self, log: EventLog, now: Callable[[], float], place: str) -> None:
        self._log = log
        self._place = place
        self._now = now
        self.reason = ""  # of the last trouble with the way to Redis
        self.troubles: dict[str, int] = {}  # how often what was said, the changes of state aside
        self._counts: dict[str, _Count] = {}

    def __call__(self, event: str, **fields: object) -> None:
        """Take what is said."""
        if event == "redis_state":
            self._tell_state(str(fields["state"]), str(fields["at"]) or self._place)
            return
        if event in _CALM:
            self._log.info(event, **fields)
            return
        self.troubles[event] = self.troubles.get(event, 0) + 1
        if event in _TOLD_WITH_THE_STATE:
            self.reason = str(fields["reason"])
            self._log.debug(event, **fields)
        elif self._may_pass(event):
            self._log.warning(event, **fields)

    def _tell_state(self, state: str, at: str) -> None:
        if state == "up":
            self.reason = ""
            self._log.info("storage_up", at=at)
        elif state == "resync":
            self._log.debug("storage_resync", at=at)
        else:
            self._log.warning(f"storage_{state}", at=at, reason=self.reason)

    def _may_pass(self, event: str) -> bool:
        """Say whether a line of that kind is still wanted in this second; what was kept back is told in the next."""
        second = int(self._now())
        count = self._counts.get(event)
        if count is None or count.second != second:
            if count is not None and count.n > LINES_A_SECOND:
                self._log.warning("lines_kept_back", what=event, lines=count.n - LINES_A_SECOND)
            count = self._counts[event] = _Count(second)
        count.n += 1
        return count.n <= LINES_A_SECOND


class _Count(Struct):
    second: int
    n: int = 0


class Store:
    """The way of one server to Redis. Made on the loop that serves.

    Args:
        settings: with a ``redis.url``.
        name: of this server.

    Raises:
        ConfigError: the URL can't be read.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        redis = settings.redis
        try:
            self.address = parse(redis.url)
        except ValueError as error:
            raise ConfigError((f"redis.url: {error}",)) from None  # the cause may hold the password
        loop = asyncio.get_running_loop()
        self._notices = Notices(get_log("storage"), loop.time, self.place)
        self.history = RedisHistory(
            RedisSetup(
                address=self.address,
                node=f"{name}.{secrets.token_hex(4)}",  # of this life only: what a dead one left is told apart by it
                random=random.Random().random,  # noqa: S311 - no secret
                notice=self._notices,
                prefix=redis.prefix,
                timeout_s=redis.timeout_s,
                hold_s=redis.hold_s,
                hold_messages=redis.hold_messages,
                hold_bytes=redis.hold_bytes,
                dedupe_s=settings.channels.dedupe_s,
                position_ttl_s=settings.history.position_ttl_s,
                group_ttl_s=settings.groups.retention_s,
            )
        )
        self.cluster = RedisCluster(self.history.store)
        self._required = redis.required
        self._degraded_ok = redis.degraded_ok
        self._hold_s = redis.hold_s

    @property
    def place(self) -> str:
        """Where it is looked for, for people."""
        return place_of(self.address)

    async def begin(self) -> str:
        """Connect, and wait until it is known whether Redis is there: ``redis.hold_s`` at most.

        Returns:
            Why the server must not start, in words; empty: it may.
        """
        self.history.start()
        self.cluster.start()
        if await self.history.settled() == "up" or not self._required:
            return ""
        return (
            f"expected Redis at {self.place} to serve within {self._hold_s:g} s (redis.required), and it did not"
            f"{f' ({self._notices.reason})' if self._notices.reason else ''}; "
            "start it, mend redis.url, or set redis.required = false to serve without it"
        )

    @property
    def trouble(self) -> str:
        """What is wrong with it, in words; empty: nothing."""
        return _WORDS[self.history.state]

    def readiness(self) -> tuple[bool, str]:
        """Say whether this server should be sent clients, as far as the store goes, and what is wrong with it."""
        trouble = self.trouble
        may_serve = self._degraded_ok or self.history.state in ("up", "holding")
        return may_serve, f"storage: {trouble}" if trouble else ""

    def numbers(self) -> Reading:
        """Give what metrics tell of it."""
        held = self.history.held
        return {
            "arqonbus.storage.held": held.n,
            "arqonbus.storage.refused": {"rejected": held.n_rejected, "unsure": held.n_unsure},
            "arqonbus.storage.troubles": dict(self._notices.troubles),
        }

    async def end(self, timeout_s: float) -> None:
        """Wait for the outcomes of what was appended, as long as may be, and disconnect. Idempotent."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + timeout_s
        while self.history.held.n and self.history.state != "local" and loop.time() < ends_at:  # noqa: ASYNC110 - once
            await asyncio.sleep(POLL_S)
        await self.cluster.close()
        await self.history.close()


_WORDS: dict[LinkState, str] = {
    "up": "",
    "holding": "Redis does not answer; what is published waits for it",
    "local": "Redis does not answer; this server goes on by itself",
    "resync": "Redis is back; catching up",
}


def place_of(address: Address) -> str:
    """Write an address without what is secret in it."""
    hosts = ",".join(f"{host}:{port}" if port else host for host, port in address.hosts)
    secure = "s" if address.tls is not None else ""
    if not address.hosts[0][1]:
        return f"unix://{hosts}"
    kind = "" if address.kind == "single" else f"+{address.kind}"
    path = "".join(f"/{part}" for part in (address.service, str(address.db) if address.db else "") if part)
    return f"redis{secure}{kind}://{hosts}{path}"

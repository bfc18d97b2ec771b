"""Shard: one primary, and the three wires to it: for appends, for reads and the like, and for subscriptions.

TCP tells late or never that the other end hangs, was demoted, or belongs to the other half of a network. So a shard
asks: every wire must answer a PING in time, Redis must say that it is a primary, and what is published by one wire must
come back by another (the probe): else all wires are cut and the primary is looked for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from arqonbus.errors import StorageError
from arqonbus.storage.redis_address import Address, Where
from arqonbus.storage.redis_calls import Reads, call, ignore, run
from arqonbus.storage.redis_keeper import Keeper
from arqonbus.storage.redis_link import Backoff, Link
from arqonbus.storage.redis_probe import Probe
from arqonbus.storage.redis_reads import CATCH_UP, READ, TAIL, TRIM
from arqonbus.storage.redis_scripts import APPEND, BUMP, DELETE, OPEN, Script
from arqonbus.storage.redis_subscriptions import Subscriptions
from arqonbus.storage.redis_wire import Home, ReplyError, Wire, code_of
from arqonbus.storage.shared_log import LinkState

__all__ = ["SCRIPTS", "Shard", "ShardSetup"]

SCRIPTS: tuple[Script, ...] = (APPEND, BUMP, CATCH_UP, DELETE, OPEN, READ, TAIL, TRIM)
# In parts of the timeout.
WATCH_EVERY, PING_EVERY, SILENCE, CONFIRMED, PROBE_EVERY, PROBE_LATE = 0.25, 0.5, 1.5, 4.0, 5.0, 2.0


class ShardSetup(Struct, frozen=True):
    """What all shards share."""

    address: Address
    timeout_s: float  # for each call; the watch is made of it
    hold_s: float  # see Link
    name: str  # what CLIENT LIST shows
    random: Callable[[], float]  # in [0, 1)
    on_state: Callable[[Shard, LinkState], None]  # the link has another state
    on_wires: Callable[[Shard], None]  # a wire for calls is there again: what waited may go on
    look_around: Callable[[], None]  # the primary, or a slot, may not be any more where it was thought to be
    on_time: Callable[[int], None]  # Redis's clock, ms
    notice: Callable[..., None]  # for the log: event, and fields as keywords


class Shard:
    """One primary, wherever it is at the time.

    Args:
        where: finds it; raises StorageError. Called for each attempt to connect.
        probe: channel of the probe.
    """

    def __init__(self, setup: ShardSetup, where: Callable[[], Awaitable[Where]], probe: str) -> None:
        self._setup = setup
        self._where = where
        self._loop = asyncio.get_running_loop()
        self.link = Link(setup.hold_s, self._loop.time())
        self.subscriptions = Subscriptions(setup.address.kind == "cluster", self._settle, setup.look_around)
        self.at: Where | None = None  # where the wires of now lead
        self._commands = self._keeper(self._plain, self._up, self._down)
        self._reads = self._keeper(self._plain, self._up, self._down)
        self._news = self._keeper(self._for_news, self._news_up, self._news_down)
        self._queue = Reads(lambda: self._reads.wire)
        self._probe = Probe(probe)
        self._watch: asyncio.Task[None] | None = None
        self._pinged_at = 0.0
        self._trouble = ""  # the last that was logged
        self.is_closed = False

    # --- life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect, and to watch."""
        self.subscriptions.add(self._probe.channel, self._probe)
        for keeper in (self._commands, self._reads, self._news):
            keeper.start()
        self._watch = self._loop.create_task(self._watch_for_ever())

    def close(self) -> None:
        """End it. Whoever waits is told. Idempotent."""
        self.is_closed = True
        if self._watch is not None:
            self._watch.cancel()
        for keeper in (self._commands, self._reads, self._news):
            keeper.close()
        self._queue.refuse("closed")

    def cut(self, reason: str) -> None:
        """Cut all wires, and look for the primary again."""
        self._setup.notice("redis_cut", reason=reason)
        for keeper in (self._commands, self._reads, self._news):
            if keeper.wire is not None:
                keeper.wire.lose(reason)

    def hurry(self) -> None:
        """Try again now where there is no wire."""
        for keeper in (self._commands, self._reads, self._news):
            keeper.hurry()

    # --- calls --------------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether appends can go out."""
        return self._commands.wire is not None and self._commands.wire.is_open

    @property
    def n_appends(self) -> int:
        """Calls on the wire for appends that wait for an answer."""
        return 0 if self._commands.wire is None else self._commands.wire.n_waiting

    def call(self, home: Home, *args: str | bytes | int) -> None:
        """Call by the wire for appends."""
        call(self._commands.wire, home, args)

    def run(self, home: Home, script: Script, *args: str | bytes | int) -> None:
        """Run a script by the wire for appends."""
        run(self._commands.wire, home, script, args)

    def read(self, home: Home, script: Script, *args: str | bytes | int) -> None:
        """Run a script by the wire for reads; in its turn, where many do."""
        self._queue.run(home, script, args)

    def ask(self, home: Home, *args: str | bytes | int) -> None:
        """Call by the wire for reads."""
        call(self._reads.wire, home, args)

    # --- wires --------------------------------------------------------------------------------------------------

    def _keeper(
        self,
        connect: Callable[[Callable[[str], None]], Awaitable[Wire]],
        up: Callable[[Wire], None],
        down: Callable[[str], None],
    ) -> Keeper:
        return Keeper(connect, up, down, Backoff(self._setup.random))

    async def _plain(self, on_lost: Callable[[str], None]) -> Wire:
        """Open a wire for calls, and see that a primary is at its other end."""
        wire = await self._open(on_lost, None)
        try:
            async with asyncio.timeout(self._setup.timeout_s):
                await self._prepare(wire)
        except (StorageError, TimeoutError) as error:
            wire.close()
            raise StorageError(str(error) or "expected answers in time") from error
        except BaseException:
            wire.close()
            raise
        return wire

    async def _prepare(self, wire: Wire) -> None:
        role = await wire.request("ROLE")
        if role[0] != b"master":
            raise StorageError(f"expected a primary, got a {role[0].decode()}")
        self._take_time(await wire.request("TIME"))
        for script in SCRIPTS:
            await wire.request("SCRIPT", "LOAD", script.text)
        try:  # a user without rights to our keys would be let in up to here, and then be refused everything
            await wire.request("EXISTS", self._probe.channel)
        except ReplyError as error:
            if code_of(error) == "NOPERM":
                raise

    async def _for_news(self, on_lost: Callable[[str], None]) -> Wire:
        return await self._open(on_lost, self.subscriptions.take)

    async def _open(self, on_lost: Callable[[str], None], on_push: Callable[[Any], None] | None) -> Wire:
        setup = self._setup
        where = await self._where()
        wire = Wire(setup.address.connection(where, name=setup.name), setup.timeout_s, on_lost, on_push)
        try:
            await wire.open()
        except BaseException:
            wire.close()
            raise
        self.at = where
        return wire

    def _up(self, wire: Wire) -> None:
        self._setup.on_wires(self)
        self._all_up()

    def _news_up(self, wire: Wire) -> None:
        self._probe.reset()
        self.subscriptions.connect(wire)
        self._all_up()

    def _all_up(self) -> None:
        if all(keeper.wire is not None for keeper in (self._commands, self._reads, self._news)):
            self._tell(self.link.wires_up())
            self._settle()

    def _settle(self) -> None:
        if self.subscriptions.is_settled and self.link.state == "resync":
            self._trouble = ""
            self._tell(self.link.mended())

    def _down(self, reason: str) -> None:
        if self._reads.wire is None:
            self._queue.refuse(reason)
        self._say_down(reason)

    def _news_down(self, reason: str) -> None:
        self.subscriptions.disconnect()
        self._say_down(reason)

    def _say_down(self, reason: str) -> None:
        if reason != self._trouble:  # an outage is many attempts with one reason
            self._trouble = reason
            self._setup.notice("redis_lost", reason=reason)
        self._tell(self.link.wires_down(self._loop.time()))

    def _tell(self, state: LinkState | None) -> None:
        if state is not None:
            self._setup.on_state(self, state)

    # --- the watch ----------------------------------------------------------------------------------------------

    async def _watch_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._setup.timeout_s * WATCH_EVERY)
            self._look(self._loop.time())

    def _look(self, now: float) -> None:
        timeout_s = self._setup.timeout_s
        self._tell(self.link.tick(now))
        for keeper in (self._commands, self._reads):
            if keeper.wire is not None:
                keeper.wire.check(now)
        news = self._news.wire
        if news is not None and now - news.heard_at > timeout_s * SILENCE:
            news.lose(f"heard nothing for {timeout_s * SILENCE} s")
        elif news is not None and self.subscriptions.is_overdue(now - timeout_s * CONFIRMED):
            news.lose(f"expected a confirmation within {timeout_s * CONFIRMED} s")
        if now - self._pinged_at >= timeout_s * PING_EVERY:
            self._pinged_at = now
            self._ping()
        self._probe_it(now)

    def _ping(self) -> None:
        for keeper in (self._commands, self._reads):
            if keeper.wire is not None and not keeper.wire.n_waiting:
                keeper.wire.call(ignore, "PING")
        if self._news.wire is not None:
            self._news.wire.send("PING")

    def _probe_it(self, now: float) -> None:
        """Publish to ourselves, and see whether it comes; and whether this is still the primary."""
        probe, timeout_s = self._probe, self._setup.timeout_s
        if probe.is_late(now, timeout_s * PROBE_LATE):
            probe.reset()
            self.cut("what was published did not come back")
        elif self.is_open and probe.is_due(now, timeout_s * PROBE_EVERY):
            probe.sent(now)
            self.call(ignore, "SPUBLISH" if self._setup.address.kind == "cluster" else "PUBLISH", probe.channel, "?")
            self.call(self._check_role, "ROLE")
            self.call(self._take_time, "TIME")
            self._setup.look_around()

    def _take_time(self, answer: Any) -> None:
        if type(answer) is list:
            self._setup.on_time(int(answer[0]) * 1000 + int(answer[1]) // 1000)

    def _check_role(self, role: Any) -> None:
        if type(role) is list and role[0] != b"master":
            self.cut("it is no primary any more")

"""RedisStore: all of Redis as one node sees it: which primary has what, and what time it is there.

One primary serves everything, or, in a cluster, some of the partitions each. A partition without a primary, because the
cluster is not known yet or nobody serves its slot, belongs to ``limbo``, a shard that never opens: so everybody always
has one to ask, with a state that tells the truth.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from msgspec import Struct

from arqonbus.errors import StorageError
from arqonbus.storage.redis_address import Address, Where
from arqonbus.storage.redis_keys import PARTITIONS, Keys, partition_of
from arqonbus.storage.redis_shard import Shard, ShardSetup
from arqonbus.storage.redis_topology import ask_cluster, ask_sentinels
from arqonbus.storage.shared_log import LinkState

__all__ = ["RedisSetup", "RedisStore"]

LOOK_PAUSE_S = 0.2  # least, between two looks at the topology

_RANK: dict[LinkState, int] = {"up": 0, "resync": 1, "holding": 2, "local": 3}


class RedisSetup(Struct, frozen=True):
    """What a store is given."""

    address: Address
    node: str  # name of this life of this node; never used before, by any node
    random: Callable[[], float]  # in [0, 1)
    notice: Callable[..., None]  # for the log: event, and fields as keywords
    prefix: str = "arqonbus"  # of all keys
    timeout_s: float = 1.0  # within which a call must be answered
    hold_s: float = 8.0  # how long appends wait for Redis to come back
    hold_messages: int = 10_000  # most entries that wait, over all channels
    hold_bytes: int = 16_777_216  # most bytes of text that wait
    dedupe_s: float = 120.0  # how long keys of entries are known, at least; 0: never
    position_ttl_s: float = 86_400.0  # how long the position of a log without entries is kept
    group_ttl_s: float = 604_800.0  # how long a durable group without members is kept
    wall: Callable[[], float] = time.time  # seconds since 1970
    follow_clock: bool = True  # whether to take Redis's clock for the true one, so that nodes agree


class RedisStore:
    """The shards, and the way to them. Made on the loop that serves."""

    def __init__(self, setup: RedisSetup) -> None:
        self.setup = setup
        self.keys = Keys(setup.prefix, setup.address.db)
        self.publish = "SPUBLISH" if setup.address.kind == "cluster" else "PUBLISH"
        self.on_state: list[Callable[[Shard, LinkState], None]] = []  # called in this order
        self.on_wires: list[Callable[[Shard], None]] = []
        self.on_moved: list[Callable[[int, Shard, Shard], None]] = []  # partition, from, to
        self._skew_ms = 0  # of Redis's clock against ours
        self._is_cluster = setup.address.kind == "cluster"
        self._shard_setup = ShardSetup(
            address=setup.address,
            timeout_s=setup.timeout_s,
            hold_s=setup.hold_s,
            name=f"arqonbus-{setup.node}",
            random=setup.random,
            on_state=self._tell_state,
            on_wires=self._tell_wires,
            look_around=self.look_around,
            on_time=self._set_clock,
            notice=setup.notice,
        )
        self._limbo = Shard(self._shard_setup, self._nowhere if self._is_cluster else self._primary, self._probe_of(0))
        self._by_place: dict[Where, Shard] = {}  # of a cluster
        self._of: list[Shard] = [self._limbo] * PARTITIONS
        self._look: asyncio.Task[None] | None = None
        self._looked_at = 0.0
        self._is_closed = False

    # --- life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._limbo.start()
        if self._is_cluster:
            self.look_around()

    async def close(self) -> None:
        """End all wires."""
        self._is_closed = True
        if self._look is not None:
            self._look.cancel()
        for shard in self.shards:
            shard.close()
        await asyncio.sleep(0)  # for the tasks to end

    # --- what is where ------------------------------------------------------------------------------------------

    @property
    def shards(self) -> tuple[Shard, ...]:
        """All of them, each once."""
        return (self._limbo, *self._by_place.values())

    def shard_of(self, name: str) -> Shard:
        """Give the shard of a room, a client or a node, by its name."""
        return self._of[partition_of(name)]

    def shard_at(self, partition: int) -> Shard:
        """Give the shard of a partition."""
        return self._of[partition]

    @property
    def state(self) -> LinkState:
        """The worst of the shards that serve anything."""
        states: set[LinkState] = {shard.link.state for shard in self._of}
        return max(states, key=lambda state: _RANK[state])

    def now_ms(self) -> int:
        """Milliseconds since 1970 by the clock that all nodes agree on."""
        return int(self.setup.wall() * 1000) + self._skew_ms

    def fresh_epoch(self) -> int:
        """Give an epoch for what begins now: microseconds, so that later ones are larger."""
        return int(self.setup.wall() * 1_000_000) + self._skew_ms * 1000

    def _set_clock(self, redis_ms: int) -> None:
        if self.setup.follow_clock:
            self._skew_ms = redis_ms - int(self.setup.wall() * 1000)

    @property
    def skew_ms(self) -> int:
        """By how much Redis's clock was ahead of ours when last asked."""
        return self._skew_ms

    def _tell_state(self, shard: Shard, state: LinkState) -> None:
        if state == "local" and shard is self._limbo and shard not in self._of:
            return  # nobody lives there
        self.setup.notice("redis_state", state=state, at=_shown(shard.at))
        for tell in self.on_state:
            tell(shard, state)
        if state in ("holding", "local"):
            self.look_around()

    def _tell_wires(self, shard: Shard) -> None:
        for tell in self.on_wires:
            tell(shard)

    # --- where the primaries are --------------------------------------------------------------------------------

    async def _primary(self) -> Where:
        address = self.setup.address
        if address.kind == "sentinel":
            return await ask_sentinels(address, self.setup.timeout_s)
        return address.hosts[0]

    async def _nowhere(self) -> Where:
        raise StorageError("no node of the cluster serves these slots")

    def look_around(self) -> None:
        """See soon whether primaries are where they are thought to be. Cheap to call again."""
        if self._is_closed or self.setup.address.kind == "single":
            return
        if self._look is None or self._look.done():
            self._look = asyncio.get_running_loop().create_task(self._look_around())

    async def _look_around(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._looked_at + LOOK_PAUSE_S - loop.time()))
        self._looked_at = loop.time()
        try:
            if self._is_cluster:
                await self._look_at_cluster()
            else:
                where = await ask_sentinels(self.setup.address, self.setup.timeout_s)
                if self._limbo.at not in (None, where):
                    self._limbo.cut("the Sentinels name another primary")
        except StorageError as error:
            self.setup.notice("redis_topology_unknown", reason=str(error))
        if self._is_cluster and any(shard.link.state != "up" for shard in self._of):
            loop.call_later(self.setup.timeout_s, self.look_around)

    async def _look_at_cluster(self) -> None:
        seeds = [*self._by_place, *self.setup.address.hosts]
        owners = await ask_cluster(self.setup.address, seeds, self.setup.timeout_s)
        for where in {owner for owner in owners if owner is not None}:
            if where not in self._by_place:
                self._by_place[where] = self._shard_at_place(where, owners.index(where))
        for partition, owner in enumerate(owners):
            shard = self._limbo if owner is None else self._by_place[owner]
            self._move(partition, shard)
        for where in [where for where in self._by_place if where not in owners]:
            self._by_place.pop(where).close()

    def _move(self, partition: int, shard: Shard) -> None:
        before = self._of[partition]
        if before is not shard:
            self._of[partition] = shard
            for tell in self.on_moved:
                tell(partition, before, shard)

    def _shard_at_place(self, where: Where, partition: int) -> Shard:
        async def find() -> Where:
            return where

        shard = Shard(self._shard_setup, find, self._probe_of(partition))
        shard.start()
        return shard

    def _probe_of(self, partition: int) -> str:
        return self.keys.probe(partition, self.setup.node)


def _shown(where: Where | None) -> str:
    return "" if where is None else f"{where[0]}:{where[1]}"

"""Several nodes in one process, on one real Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from arqonbus.storage.redis_nodes import Nodes, NodesSetup
from arqonbus.storage.redis_post import Post
from arqonbus.storage.redis_private import PrivateChannels
from arqonbus.storage.redis_store import RedisStore
from tests.storage.redis_node import redis_setup
from tests.storage.shared_contract import eventually

__all__ = ["NodeOfTest", "nodes_of"]


class NodeOfTest:
    """One node, with all that stands between nodes; beats are fast."""

    def __init__(self, url: str, beat_s: float = 0.05, lease_s: float = 0.4, **more: Any) -> None:
        self.store = RedisStore(redis_setup(url, timeout_s=0.5, **more))
        self.name = self.store.setup.node
        self.post = Post(self.store)
        self.private = PrivateChannels(self.store)
        self.joined: list[str] = []
        self.left: list[str] = []
        self.n_lapsed = 0
        setup = NodesSetup(
            document=lambda: f"document of {self.name}".encode(),
            reap=self._reap,
            joined=self.joined.append,
            left=self.left.append,
            lapsed=self._lapsed,
            beat_s=beat_s,
            lease_s=lease_s,
        )
        self.nodes = Nodes(self.store, setup)
        self.reaped: list[str] = []

    async def _reap(self, dead: str) -> None:
        self.reaped.append(dead)

    def _lapsed(self) -> None:
        self.n_lapsed += 1

    def start(self) -> None:
        self.store.start()
        self.post.start()
        self.nodes.start()

    async def die(self) -> None:
        """End without a word."""
        if self.nodes._task is not None:
            self.nodes._task.cancel()
        await self.store.close()

    async def close(self) -> None:
        await self.nodes.close()
        await self.die()


@contextlib.asynccontextmanager
async def nodes_of(url: str, n: int, **more: Any) -> AsyncIterator[list[NodeOfTest]]:
    """Give ``n`` nodes that know each other."""
    nodes = [NodeOfTest(url, **more) for _ in range(n)]
    for node in nodes:
        node.start()
    names = {node.name for node in nodes}
    try:
        await eventually(lambda: all(set(node.nodes.living) == names for node in nodes))
        await eventually(lambda: all(shard.subscriptions.is_settled for node in nodes for shard in node.store.shards))
        yield nodes
    finally:
        for node in nodes:
            await node.close()


async def never(holds: Callable[[], Any], seconds: float = 0.2) -> None:
    """See that something does not come to hold for a while."""
    await asyncio.sleep(seconds)
    assert not holds()

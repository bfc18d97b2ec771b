"""Several buses over one Redis: real processes, as many as a scenario names."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.specs.bus import Bus
from tests.storage.redis_server import RedisServer

__all__ = ["Cluster"]


class Cluster:
    """One Redis and the nodes that share it. Started bit by bit, as scenarios ask for it.

    Args:
        folder: for all of them.
        redis_settings: arguments of redis-server.
    """

    def __init__(self, folder: Path, *redis_settings: str) -> None:
        self.folder = folder
        self.redis = RedisServer(folder / "redis", *redis_settings)
        self.nodes: dict[str, Bus] = {}

    async def start_redis(self) -> None:
        """Start the Redis, again if it was killed; what it left in its folder is there again."""
        await asyncio.to_thread(self.redis.start)

    async def start(self, names: list[str], settings: list[str]) -> None:
        """Start those of the nodes that there are none of yet, all at once."""
        new = {name: self._node(name, settings) for name in names if name not in self.nodes}
        self.nodes |= new
        await asyncio.gather(*(asyncio.to_thread(node.start) for node in new.values()))

    def _node(self, name: str, settings: list[str]) -> Bus:
        folder = self.folder / name
        folder.mkdir()
        return Bus(folder, [f'redis.url = "{self.redis.url}"', f'server.name = "{name}"', *settings])

    def stop(self) -> None:
        """End all, and judge how the nodes lived."""
        try:
            for node in self.nodes.values():
                node.stop()
        finally:
            for node in self.nodes.values():
                node.kill()
            self.redis.kill()

"""Redis for the tests of storage: one server for all that leave it as they found it, or one of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.storage.redis_server import RedisServer, require_redis


@pytest.fixture(scope="session")
def _shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    require_redis()
    with RedisServer(tmp_path_factory.mktemp("redis"), "--appendonly", "no") as server:
        yield server


@pytest.fixture
def redis_server(_shared_redis: RedisServer) -> Iterator[RedisServer]:
    """An empty server that many tests share: not to be paused, killed or configured."""
    _shared_redis.do("FLUSHALL")
    yield _shared_redis


@pytest.fixture
def new_redis(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Start servers of one's own: ``new_redis("--appendonly", "yes")``."""
    require_redis()
    servers: list[RedisServer] = []

    def start(*settings: str, port: int | None = None) -> RedisServer:
        server = RedisServer(tmp_path / f"redis-{len(servers)}", *settings, port=port)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.kill()

"""The shared seam over Redis: the contract, on a real server, with two nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.storage.blocking import BlockingHistory
from tests.storage.contract import HistoryContract, StoreWorld
from tests.storage.redis_node import Clock, redis_history
from tests.storage.redis_server import RedisServer
from tests.storage.shared_contract import SharedContract, SharedWorld

pytestmark = pytest.mark.integration


class TestSharedRedis(SharedContract):
    """The contract."""

    @pytest.fixture
    async def world(self, redis_server: RedisServer) -> AsyncIterator[SharedWorld]:
        clock = Clock()
        settings = {"wall": clock.time, "follow_clock": False}
        url = redis_server.url
        async with redis_history(url, **settings) as here, redis_history(url, **settings) as there:
            yield SharedWorld(here, clock.advance, there)


class TestRedisAsOneWriter(HistoryContract):
    """The contract of the seam of one writer, by way of calls that wait."""

    @pytest.fixture
    def world(self, redis_server: RedisServer) -> Iterator[StoreWorld]:
        clock = Clock()
        history = BlockingHistory(lambda: redis_history(redis_server.url, wall=clock.time, follow_clock=False))
        yield StoreWorld(history, clock.advance)
        history.end()

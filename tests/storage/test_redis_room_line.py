"""Lines of rooms that move with their slot; tests/storage/test_redis_cluster.py has the rest."""

from __future__ import annotations

import pytest

from arqonbus.storage.cluster import LineDown, LineHeard, LineUp
from arqonbus.storage.redis_room_line import RedisRoomLine
from arqonbus.storage.redis_store import RedisStore
from tests.storage.redis_node import redis_setup
from tests.storage.redis_server import RedisServer
from tests.storage.shared_contract import eventually

pytestmark = pytest.mark.integration


async def test_a_line_whose_slot_moves_says_that_it_did_not_hear_for_a_while(redis_server: RedisServer) -> None:
    store = RedisStore(redis_setup(redis_server.url, timeout_s=0.5))
    store.start()
    heard: list[LineHeard] = []
    closed: list[RedisRoomLine] = []
    line = RedisRoomLine(store, "r", heard.append, closed.append)
    await eventually(lambda: heard == [LineUp()])
    shard = store.shard_of("r")
    line.move(shard, shard)

    await eventually(lambda: heard == [LineUp(), LineDown(), LineUp()])
    line.close()
    line.close()
    assert closed == [line]
    await store.close()

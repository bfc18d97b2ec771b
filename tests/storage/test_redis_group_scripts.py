"""What the scripts of groups answer where the group itself never asks. The rest is tested in test_redis_group."""

from __future__ import annotations

import pytest
import redis as redis_py

from arqonbus.storage.redis_group_scripts import CLAIM, CLOSE_GROUP, GROUP_INFO, OPEN_GROUP
from tests.storage.redis_server import RedisServer

pytestmark = pytest.mark.integration


def test_a_group_needs_a_log(redis_server: RedisServer) -> None:
    with redis_server.client() as client, pytest.raises(redis_py.ResponseError, match="NOLOG"):
        client.eval(OPEN_GROUP.text, 2, "log", "groups", "g", "{}", "")


def test_a_group_of_a_log_that_is_gone_is_none(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        assert client.eval(GROUP_INFO.text, 1, "log", "g") is None
        assert client.eval(CLOSE_GROUP.text, 2, "log", "groups", "g") == 0
        client.xadd("log", {"m": "m", "t": 1, "d": "x"}, id="5-1")
        assert client.eval(GROUP_INFO.text, 1, "log", "g") is None


def test_a_claim_goes_on_where_the_last_one_ended(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        for i in range(1, 6):
            client.xadd("log", {"m": f"m{i}", "t": 1, "d": f"text {i}"}, id=f"5-{i}")
        client.eval(OPEN_GROUP.text, 2, "log", "groups", "g", "{}", "0")
        client.xreadgroup("g", "dead", {"log": ">"})

        first = client.eval(CLAIM.text, 1, "log", "g", "me", 0, "0-0", 3)
        assert first == ["5-4", "5-1", 2, "text 1", "5-2", 2, "text 2", "5-3", 2, "text 3"]
        second = client.eval(CLAIM.text, 1, "log", "g", "me", 0, first[0], 3)
        assert second == ["0-0", "5-4", 2, "text 4", "5-5", 2, "text 5"]
        assert client.hgetall("groups") == {"g": "{}"}

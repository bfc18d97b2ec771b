"""What the scripts of groups answer where the group itself never asks. The rest is tested in test_redis_group."""

from __future__ import annotations

import pytest
import redis as redis_py

from arqonbus.storage.redis_group_scripts import DELETE_GROUP, EXPIRE_GROUPS, OPEN_GROUP, STANDING, TAKE
from tests.storage.redis_server import RedisServer

pytestmark = pytest.mark.integration


def test_a_group_needs_a_log(redis_server: RedisServer) -> None:
    with redis_server.client() as client, pytest.raises(redis_py.ResponseError, match="NOLOG"):
        client.eval(OPEN_GROUP.text, 2, "log", "groups", "g", "{}", "", 1, "", "", "")


def test_a_group_of_a_log_that_is_gone_is_none(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        assert client.eval(STANDING.text, 2, "log", "groups", "g", 0) is None
        assert client.eval(DELETE_GROUP.text, 2, "log", "groups", "g", 0) == 0
        client.xadd("log", {"m": "m", "t": 1, "d": "x"}, id="5-1")
        assert client.eval(STANDING.text, 2, "log", "groups", "g", 0) is None


def test_the_name_of_a_group_is_not_taken_for_another_ones(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.xadd("log", {"m": "m", "t": 1, "d": "x"}, id="5-1")
        for name in ("g", "g:n", "1:g"):
            client.eval(OPEN_GROUP.text, 2, "log", "groups", name, name, "0", 1, "", "", "")
            client.eval(TAKE.text, 2, "log", "groups", name, "n", 10, 0, 3, 7, "")
        assert client.eval(STANDING.text, 2, "log", "groups", "g", 0)[5] == ["n", 3]
        assert client.eval(DELETE_GROUP.text, 2, "log", "groups", "g", 8) == 1
        assert client.eval(STANDING.text, 2, "log", "groups", "g:n", 0)[5] == ["n", 3]


def test_an_entry_that_is_in_no_log_any_more_is_work_for_nobody(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        for i in range(1, 4):
            client.xadd("log", {"m": f"m{i}", "t": 1, "d": f"text {i}"}, id=f"5-{i}")
        client.eval(OPEN_GROUP.text, 2, "log", "groups", "g", "{}", "0", 1, "", "", "")
        client.eval(TAKE.text, 2, "log", "groups", "g", "dead", 0, 3, "", 1, "")
        client.xdel("log", "5-2")
        taken = client.eval(TAKE.text, 2, "log", "groups", "g", "me", 0, 5, 1, 1, "")

        assert taken == ["5-1", 2, "text 1", "5-3", 2, "text 3"]
        assert client.xpending("log", "g")["pending"] == 2
        assert client.hget("groups", "r:g") == "2"


def test_a_consumer_that_has_nothing_is_forgotten_after_a_while(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.xadd("log", {"m": "m", "t": 1, "d": "x"}, id="5-1")
        client.eval(OPEN_GROUP.text, 2, "log", "groups", "g", "{}", "0", 1, "", "", "")
        client.eval(TAKE.text, 2, "log", "groups", "g", "busy", 0, 1, "", 1, "")
        client.eval(TAKE.text, 2, "log", "groups", "g", "idle", 0, 1, "", 1, "")
        assert client.eval(EXPIRE_GROUPS.text, 2, "log", "groups", 0, -1, 0) == []
        assert [one["name"] for one in client.xinfo_consumers("log", "g")] == ["busy"]
        assert client.eval(EXPIRE_GROUPS.text, 2, "log", "groups", 2, 10, 0) == ["g"]
        assert client.xinfo_groups("log") == []

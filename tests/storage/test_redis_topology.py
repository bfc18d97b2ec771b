"""Where the primaries are. That answers are found in real Sentinels and clusters is tested in test_redis_failover."""

import pytest

from arqonbus.errors import StorageError
from arqonbus.storage.redis_address import parse
from arqonbus.storage.redis_topology import ask_cluster, ask_sentinels, owners_of
from tests.storage.redis_server import RedisServer, free_port


def test_each_partition_has_the_primary_of_its_slot() -> None:
    slots = [
        [0, 8191, [b"10.0.0.1", 7000, b"id"], [b"10.0.0.2", 7000, b"id"]],
        [8192, 16383, [b"10.0.0.3", 7001, b"id", []]],
    ]

    owners = owners_of(slots, "asked")
    assert owners[:64] == [("10.0.0.1", 7000)] * 64
    assert owners[64:] == [("10.0.0.3", 7001)] * 64


def test_a_slot_that_nobody_serves_has_no_owner() -> None:
    owners = owners_of([[0, 127, [b"h", 1, b"id"]]], "asked")

    assert owners[0] == ("h", 1)
    assert owners[1:] == [None] * 127


def test_a_node_that_does_not_know_its_name_is_the_one_that_was_asked() -> None:
    assert owners_of([[0, 16383, [None, 7000, b"id"]]], "10.0.0.9")[5] == ("10.0.0.9", 7000)
    assert owners_of([[0, 16383, [b"", 7000, b"id"]]], "10.0.0.9")[5] == ("10.0.0.9", 7000)


async def test_nobody_who_answers_is_told_in_words() -> None:
    port = free_port()
    with pytest.raises(StorageError, match="expected a Sentinel that answers"):
        await ask_sentinels(parse(f"redis+sentinel://127.0.0.1:{port}/main"), 0.5)
    cluster = parse(f"redis+cluster://127.0.0.1:{port}")
    with pytest.raises(StorageError, match="expected a node of the cluster that answers"):
        await ask_cluster(cluster, cluster.hosts, 0.5)
    with pytest.raises(StorageError, match="nobody to ask"):
        await ask_cluster(cluster, [], 0.5)


@pytest.mark.integration
async def test_a_server_that_is_no_cluster_is_told_in_words(redis_server: RedisServer) -> None:
    cluster = parse(redis_server.url.replace("redis://", "redis+cluster://"))

    with pytest.raises(StorageError, match="cluster support disabled"):
        await ask_cluster(cluster, cluster.hosts, 5.0)
    with pytest.raises(StorageError, match="unknown command"):
        await ask_sentinels(parse(redis_server.url.replace("redis://", "redis+sentinel://") + "/main"), 5.0)

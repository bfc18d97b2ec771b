"""Status and lists of all nodes."""

from __future__ import annotations

from tests.flow.cluster_world import Nodes
from tests.flow.world import World


def test_status_of_the_cluster_has_a_row_a_node_and_sums() -> None:
    nodes = Nodes(3, shared=True)
    asker = nodes.connect(0)
    nodes.member(1, "r", "c")
    nodes.member(2, "r", "c")
    status = asker.command("status", scope="cluster")

    assert {row["node"]: row["connections"] for row in status["nodes"]} == {"n0": 1, "n1": 1, "n2": 1}
    assert (status["server"], status["connections"], status["stale"]) == ("n0", 3, [])
    assert "partial" not in status
    assert "nodes" not in asker.command("status")


def test_a_node_that_does_not_answer_is_named() -> None:
    nodes = Nodes(2, shared=True)
    asker = nodes.connect(0)
    nodes.worlds[1].cluster.attach(lambda heard: None)
    asker.post_command("status", "k1", scope="cluster")
    nodes.advance(2)

    status = asker.received()[-1]["result"]
    assert (status["stale"], status["partial"], len(status["nodes"])) == (["n1"], True, 1)


def test_lists_of_the_cluster_have_what_is_open_anywhere() -> None:
    nodes = Nodes(2, shared=True)
    nodes.member(0, "a", "one")
    nodes.member(1, "b", "two")
    nodes.member(1, "a", "one")
    nodes.advance(1)
    asker = nodes.connect(0)
    assert {room["room"] for room in asker.command("list_rooms")["rooms"]}.isdisjoint({"b"})
    rooms = {room["room"]: room["members"] for room in asker.command("list_rooms", scope="cluster")["rooms"]}
    channels = asker.command("list_channels", scope="cluster")["channels"]

    assert rooms.items() >= {"a": 2, "b": 1}.items()
    assert {f"{one['room']}:{one['channel']}": one["members"] for one in channels}.items() >= {
        "a:one": 2,
        "b:two": 1,
    }.items()
    assert [c["channel"] for c in asker.command("list_channels", room="b", scope="cluster")["channels"]] == ["two"]
    assert asker.command("list_channels", room="x", scope="cluster")["code"] == "not_found"


def test_pages_of_the_cluster_miss_and_repeat_nothing() -> None:
    nodes = Nodes(3, shared=True)
    names = [f"room{n:02}" for n in range(20)]
    for n, name in enumerate(names):
        nodes.member(n % 3, name, "c")
        nodes.member((n + 1) % 3, name, "c")
    asker, found, cursor = nodes.connect(0), [], None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = asker.command("list_rooms", limit=3, scope="cluster", **more)
        assert 0 < len(page["rooms"]) <= 3
        found += [room["room"] for room in page["rooms"]]
        cursor = page["cursor"]
        if cursor is None:
            break

    assert found == [*sorted({"_telemetry"}), *names] or found == [*names, "_telemetry"]


def test_out_of_reach_a_list_is_partial() -> None:
    nodes = Nodes(2, shared=True)
    asker = nodes.member(0, "r", "c")
    nodes.hub.cut("n0")

    assert asker.command("list_rooms", scope="cluster")["partial"] is True


def test_a_server_by_itself_is_a_cluster_of_one() -> None:
    client = World().connect()
    status = client.command("status", scope="cluster")

    assert [row["connections"] for row in status["nodes"]] == [1]
    assert status["stale"] == []

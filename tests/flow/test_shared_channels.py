"""Channels that several nodes share: one order for all, positions that hold everywhere, one truth of what is kept."""

from __future__ import annotations

from typing import Any

from tests.flow.nodes import Nodes
from tests.flow.world import Client


def seqs(client: Client) -> list[int]:
    return [event["seq"] for event in client.events()]


def gaps(client: Client) -> list[tuple[str, int, int, str]]:
    told = [m["payload"] for m in client.received() if m.get("event") == "gap"]
    return [(gap["epoch"], gap["from"], gap["to"], gap["reason"]) for gap in told]


# --- publishing -------------------------------------------------------------------------------------------------


def test_members_of_all_nodes_get_an_event_with_the_same_seq() -> None:
    nodes = Nodes(3)
    members = [world.member("r", "c") for world in nodes.worlds]
    for i, member in enumerate(members):
        member.event("r", "c", i)

    for member in members:
        assert [(event["seq"], event["payload"]) for event in member.events()] == [(1, 0), (2, 1), (3, 2)]
        assert [event["from"] for event in member.events()] == [one.id for one in members]


def test_an_acknowledgement_says_where_the_event_is() -> None:
    nodes = Nodes(2)
    nodes.store.nodes["0"].backend = "redis"
    member = nodes[0].member("r", "c")
    answer = member.acked("r", "c", 1)

    epoch = nodes.store.logs["r", "c"].epoch
    assert answer == {"seq": 1, "epoch": epoch, "duplicate": False, "stored": "redis", "delivered": 1}
    assert [m["type"] for m in member.take()] == ["event", "response"]


def test_who_is_elsewhere_is_not_counted_and_nobody_here_is_not_said_to_be_nobody() -> None:
    nodes = Nodes(2)
    nodes[1].member("r", "c")
    answer = nodes[0].connect().acked("r", "c", 1)

    assert "delivered" not in answer
    assert answer["seq"] == 1


def test_an_event_that_comes_again_on_another_node_is_one_event() -> None:
    nodes = Nodes(2, auth__keys={"ada": "k"})
    first, again = nodes[0].connect(token="k"), nodes[1].connect(token="k")
    again.join("r", "c")
    first.event("r", "c", 1, id="a", ack=True)
    again.event("r", "c", 1, id="a", ack=True)

    results = [m["result"] for one in (first, again) for m in one.take() if m.get("request_id") == "a"]
    assert [(result["seq"], result["duplicate"]) for result in results] == [(1, False), (1, True)]
    assert again.payloads() == [1]


def test_an_event_without_an_id_gets_one_of_its_own() -> None:
    nodes = Nodes(2)
    member = nodes[1].member("r", "c")
    nodes[0].connect().event("r", "c", 1)
    nodes[1].connect().event("r", "c", 2)

    ids = [event["id"] for event in member.events()]
    assert len(set(ids)) == 2


def test_what_a_connection_asks_behind_its_event_shows_the_event() -> None:
    nodes = Nodes(2)
    client = nodes[0].connect()
    client.post_event("r", "c", "mine")
    client.post_command("history", "h", room="r", channel="c")
    client.post_command("channel_info", "i", room="r", channel="c")
    nodes.run()

    results = {m["request_id"]: m["result"] for m in client.take() if m["type"] == "response"}
    assert [m["payload"] for m in results["h"]["messages"]] == ["mine"]
    assert results["i"]["seq"] == 1


def test_a_thousand_events_at_once_keep_their_order() -> None:
    nodes = Nodes(2)
    member = nodes[1].member("r", "c")
    client = nodes[0].connect()
    for i in range(3000):
        client.post_event("r", "c", i)
    nodes.run()

    assert member.payloads() == list(range(3000))


# --- joining ----------------------------------------------------------------------------------------------------


def test_a_channel_is_what_the_first_node_said_that_it_is() -> None:
    nodes = Nodes(2)
    made = nodes[0].connect().command("create_channel", room="r", channel="c", options={"history_limit": 3})
    info = nodes[1].connect().command("channel_info", room="r", channel="c")

    assert info["options"] == made["options"]
    assert (info["created_by"], info["created_at"]) == (made["created_by"], made["created_at"])


def test_a_channel_that_another_node_made_exists_already() -> None:
    nodes = Nodes(2)
    nodes[0].member("r", "c")
    client = nodes[1].connect()

    assert client.command("create_channel", room="r", channel="c")["code"] == "already_exists"
    assert client.command("create_channel", room="r", channel="d")["kind"] == "user"
    assert client.command("create_channel", room="r", channel="d")["code"] == "already_exists"


def test_a_channel_that_is_nowhere_is_not_found_where_none_are_made() -> None:
    nodes = Nodes(2, channels__auto_create=False)
    client = nodes[1].connect()

    assert client.join("r", "c")["code"] == "not_found"
    client.event("r", "c", 1, id="e")
    assert client.answers()[-1] == ("e", "not_found")
    nodes[0].connect().command("create_channel", room="r", channel="c")
    assert client.join("r", "c")["seq"] == 0
    assert client.command("history", room="other", channel="c")["code"] == "not_found"


def test_a_client_comes_back_on_another_node_with_what_it_missed() -> None:
    nodes = Nodes(2)
    publisher = nodes[0].member("r", "c")
    for i in range(1, 8):
        publisher.event("r", "c", i)
    epoch = nodes.store.logs["r", "c"].epoch

    client = nodes[1].connect()
    result = client.join("r", "c", since={"epoch": epoch, "seq": 3})
    publisher.event("r", "c", 8)

    assert (result["recovered"], result["replayed"], result["seq"]) == (True, 4, 7)
    assert client.payloads() == [4, 5, 6, 7, 8]
    assert seqs(client) == [4, 5, 6, 7, 8]


def test_a_first_join_replays_the_newest_events_of_the_store() -> None:
    nodes = Nodes(2)
    publisher = nodes[0].member("r", "c")
    for i in range(1, 8):
        publisher.event("r", "c", i)
    client = nodes[1].connect()

    assert client.join("r", "c", replay=3)["replayed"] == 3
    assert client.payloads() == [5, 6, 7]


def outcome(result: dict[str, Any]) -> dict[str, Any]:
    names = ("recovered", "reason", "replayed", "lost", "first_available")
    return {name: result[name] for name in names if name in result}


def test_what_cannot_be_recovered_is_owned_to_as_in_memory() -> None:
    nodes = Nodes(2)
    nodes[0].connect().command("create_channel", room="r", channel="c", options={"history_limit": 4})
    publisher = nodes[0].member("r", "c")
    for i in range(1, 11):
        publisher.event("r", "c", i)
    epoch = nodes.store.logs["r", "c"].epoch
    client = nodes[1].connect()

    lost = {"recovered": False, "reason": "evicted", "replayed": 0, "lost": {"from": 3, "to": 10}, "first_available": 7}
    assert outcome(client.join("r", "c", since={"epoch": epoch, "seq": 2})) == lost
    best = client.join("r", "c", since={"epoch": epoch, "seq": 2}, recover="best_effort")
    assert outcome(best) == lost | {"replayed": 4, "lost": {"from": 3, "to": 6}}
    other = client.join("r", "c", since={"epoch": "none", "seq": 2}, recover="latest")
    assert outcome(other) == lost | {"reason": "epoch_changed", "replayed": 1, "lost": {"from": 1, "to": 9}}


def test_more_than_one_join_replays_is_over_the_limit() -> None:
    nodes = Nodes(2, history__limit=2000)
    publisher = nodes[0].connect()
    for i in range(1, 1203):
        publisher.post_event("r", "c", i)
    nodes.run()
    epoch = nodes.store.logs["r", "c"].epoch
    client = nodes[1].connect()

    result = outcome(client.join("r", "c", since={"epoch": epoch, "seq": 1}))
    assert (result["reason"], result["first_available"], result["lost"]) == ("over_limit", 1, {"from": 2, "to": 1202})
    result = outcome(client.join("r", "c", since={"epoch": epoch, "seq": 202}))
    assert (result["recovered"], result["replayed"]) == (True, 1000)


def test_many_that_come_back_together_read_the_store_once() -> None:
    nodes = Nodes(2)
    publisher = nodes[0].member("r", "c")
    for i in range(1, 8):
        publisher.event("r", "c", i)
    epoch, reads = nodes.store.logs["r", "c"].epoch, []
    page = nodes.store.logs["r", "c"].page
    nodes.store.logs["r", "c"].page = lambda *args: reads.append(args) or page(*args)  # type: ignore[method-assign, func-returns-value]
    clients = [nodes[1].connect() for _ in range(5)]
    for client in clients:
        client.post_command("join_channel", "j", room="r", channel="c", since={"epoch": epoch, "seq": 2})
    nodes.run()

    assert [client.payloads() for client in clients] == [[3, 4, 5, 6, 7]] * 5
    assert len(reads) == 1


def test_history_is_that_of_the_store() -> None:
    nodes = Nodes(2)
    publisher = nodes[0].member("r", "c")
    for i in range(1, 6):
        publisher.event("r", "c", i)
    here, there = publisher.command("history", room="r", channel="c"), nodes[1].connect()
    assert there.command("history", room="r", channel="c") == here

    publisher.event("r", "c", 6)
    page = there.command("history", room="r", channel="c", after=2, limit=2)
    assert [m["payload"] for m in page["messages"]] == [3, 4]
    assert (page["first_seq"], page["last_seq"], page["more"]) == (1, 6, True)


def test_an_idle_channel_goes_and_its_log_stays() -> None:
    nodes = Nodes(2, telemetry__activity=False)
    publisher = nodes[0].connect()
    publisher.event("r", "c", 1)
    nodes.advance(61)
    assert nodes[0].bus.directory.room("r") is None
    assert nodes[0].bus.history_size == 0

    member = nodes[1].connect()
    assert member.join("r", "c", replay=1)["seq"] == 1
    assert member.payloads() == [1]


def test_system_channels_are_of_each_node() -> None:
    nodes = Nodes(2)

    assert [room for room, _ in nodes.store.logs] == []
    assert nodes[0].connect().join("_telemetry", "activity")["seq"] >= 0


def test_a_channel_without_history_can_have_no_groups_where_nodes_share_it() -> None:
    """The store gives to one of all members what it keeps; else each node would give each event to one of its own."""
    nodes = Nodes(2)
    client = nodes[0].connect()
    client.command("create_channel", room="r", channel="c", options={"history_limit": 0})
    refused = client.join("r", "c", group="g")

    assert (refused["code"], "history" in refused["message"]) == ("conflict", True)
    assert client.join("r", "c")["seq"] == 0


# --- the link ---------------------------------------------------------------------------------------------------


def test_while_the_store_is_away_for_a_moment_events_wait() -> None:
    nodes = Nodes(2)
    here, there = nodes[0].member("r", "c"), nodes[1].member("r", "c")
    nodes.cut(0)
    here.event("r", "c", 1, id="a", ack=True)
    assert here.answers() == []

    nodes.mend(0)
    assert here.answers() == [("a", "ok")]
    assert here.payloads() == there.payloads() == [1]
    assert here.told() == []


def test_a_node_that_heard_nothing_for_a_while_catches_up() -> None:
    nodes = Nodes(2)
    here, there = nodes[0].member("r", "c"), nodes[1].member("r", "c")
    here.event("r", "c", 1)
    nodes.cut(1)
    here.event("r", "c", 2)
    assert there.payloads() == [1]

    nodes.mend(1)
    assert there.payloads() == [1, 2]
    assert gaps(there) == []


def test_a_node_alone_goes_on_in_an_epoch_of_its_own() -> None:
    nodes = Nodes(2)
    here, there = nodes[0].member("r", "c"), nodes[1].member("r", "c")
    epoch = nodes.store.logs["r", "c"].epoch
    here.event("r", "c", 1)
    nodes.cut(0)
    nodes.give_up(0)
    answer = here.acked("r", "c", "alone")
    there.event("r", "c", 2)

    local = answer["epoch"]
    assert local.startswith("L")
    assert (answer["seq"], answer["stored"], answer["delivered"]) == (1, "memory", 1)
    nodes.mend(0)
    here.event("r", "c", 3)
    assert here.payloads() == [1, "alone", 2, 3]
    assert seqs(here) == [1, 1, 2, 3]
    assert gaps(here) == [(local, 1, 0, "epoch_changed"), (epoch, 2, 1, "epoch_changed")]
    told = [m["event"] for m in here.received() if m["type"] == "system" and m["event"].startswith("storage")]
    assert told == ["storage_degraded", "storage_restored"]
    assert there.payloads() == [1, 2, 3]
    assert gaps(there) == []


def test_positions_stand_while_nothing_is_published_alone() -> None:
    nodes = Nodes(2)
    here, there = nodes[0].member("r", "c"), nodes[1].member("r", "c")
    nodes.cut(0)
    nodes.give_up(0)
    joined = nodes[0].connect()
    result = joined.join("r", "c")
    there.event("r", "c", 1)
    nodes.mend(0)

    assert result["epoch"] == nodes.store.logs["r", "c"].epoch
    assert joined.payloads() == here.payloads() == [1]
    assert gaps(here) == []


def test_who_joins_a_degraded_channel_is_told_and_positions_of_it_hold_nowhere_else() -> None:
    nodes = Nodes(1)
    nodes[0].member("r", "c").event("r", "c", 1)
    nodes.cut(0)
    nodes.give_up(0)
    late = nodes[0].connect()
    late.event("r", "c", "alone")
    result = late.join("r", "c", replay=10)

    assert late.told() == ["storage_degraded"]
    assert late.payloads() == ["alone"]
    nodes.mend(0)
    again = nodes[0].connect().join("r", "c", since={"epoch": result["epoch"], "seq": 1})
    assert (again["recovered"], again["reason"], again["seq"]) == (False, "epoch_changed", 1)


def test_a_durable_channel_refuses_what_it_cannot_keep() -> None:
    nodes = Nodes(1)
    nodes.store.nodes["0"].backend = "redis"
    client = nodes[0].connect()
    client.command("create_channel", room="r", channel="c", options={"durable": True})
    client.join("r", "c")
    nodes.cut(0)
    nodes.give_up(0)
    client.take()
    client.event("r", "c", 1, id="a")
    assert client.answers() == [("a", "unavailable")]

    nodes.mend(0)
    client.event("r", "c", 2, id="b", ack=True)
    assert client.answers() == [("b", "ok")]
    assert client.payloads() == [2]
    assert gaps(client) == []


def test_what_waited_for_too_long_goes_on_without_the_store_before_what_comes_later() -> None:
    nodes = Nodes(1)
    member = nodes[0].member("r", "c")
    epoch = nodes.store.logs["r", "c"].epoch
    nodes.cut(0)
    member.event("r", "c", 1, id="a", ack=True)
    member.event("r", "c", 2, id="b")
    nodes.store.give_up("0")
    member.event("r", "c", 3, id="c", ack=True)

    answers = {m["request_id"]: m["result"] for m in member.received() if m["type"] == "response"}
    assert [(answers[i]["seq"], answers[i]["stored"], answers[i]["epoch"][0]) for i in "ac"] == [
        (1, "memory", "L"),
        (3, "memory", "L"),
    ]
    assert member.payloads() == [1, 2, 3]
    nodes.mend(0)
    member.event("r", "c", 4)
    assert member.payloads() == [1, 2, 3, 4]
    assert (gaps(member)[-1], seqs(member)) == ((epoch, 1, 0, "epoch_changed"), [1, 2, 3, 1])


def test_what_waited_for_too_long_in_a_durable_channel_is_refused_and_may_be_tried_again() -> None:
    nodes = Nodes(1)
    nodes.store.nodes["0"].backend = "redis"
    member = nodes[0].connect()
    member.command("create_channel", room="r", channel="c", options={"durable": True})
    member.join("r", "c")
    nodes.cut(0)
    member.take()
    member.event("r", "c", 1, id="a")
    nodes.give_up(0)

    (refused,) = [m for m in member.take() if m["type"] == "response"]
    assert (refused["error"]["code"], refused["error"]["retryable"]) == ("unavailable", True)


def test_a_channel_that_opens_while_the_store_is_away_waits_and_then_goes_alone() -> None:
    nodes = Nodes(2)
    nodes[1].connect().event("r", "c", "elsewhere")
    nodes.cut(0)
    client = nodes[0].connect()
    client.post_command("join_channel", "j", room="r", channel="c")
    nodes.run()
    assert client.answers() == []

    nodes.give_up(0)
    client.event("r", "c", "alone")
    assert client.payloads() == ["alone"]
    nodes.mend(0)
    nodes[1].connect().event("r", "c", "after")
    assert client.payloads() == ["alone", "after"]
    assert gaps(client) == [(nodes.store.logs["r", "c"].epoch, 1, 1, "epoch_changed")]


def test_what_nobody_has_any_more_is_told_as_a_gap_to_every_member() -> None:
    nodes = Nodes(2)
    here = nodes[0].connect()
    here.command("create_channel", room="r", channel="c", options={"history_limit": 2})
    here.join("r", "c")
    there = nodes[1].member("r", "c")
    epoch = nodes.store.logs["r", "c"].epoch
    nodes.cut(1)
    for i in range(1, 6):
        here.event("r", "c", i)
    nodes.mend(1)

    assert gaps(there) == [(epoch, 1, 3, "missing")]
    assert there.payloads() == [4, 5]
    assert gaps(here) == []


def test_a_store_that_goes_back_in_time_begins_a_new_epoch_for_all() -> None:
    nodes = Nodes(2)
    here, there = nodes[0].member("r", "c"), nodes[1].member("r", "c")
    for i in range(1, 6):
        here.event("r", "c", i)
    before = nodes.store.logs["r", "c"].epoch
    nodes.store.rewind(("r", "c"), 2)
    nodes.run()
    epoch = nodes.store.logs["r", "c"].epoch
    there.event("r", "c", "after")

    for member in (here, there):
        assert member.payloads() == [1, 2, 3, 4, 5, "after"]
        assert gaps(member) == [(epoch, 1, 3, "epoch_changed")]
        assert seqs(member)[-1] == 4
    old = nodes[0].connect().join("r", "c", since={"epoch": before, "seq": 4})
    assert (old["recovered"], old["reason"]) == (False, "epoch_changed")
    new = nodes[1].connect()
    assert new.join("r", "c", since={"epoch": epoch, "seq": 3})["recovered"] is True
    assert new.payloads() == ["after"]

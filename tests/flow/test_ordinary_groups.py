"""Ordinary groups of channels that several nodes share: each event to one member of all, nobody acknowledges."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from arqonbus.routing.mail import Writable
from tests.flow.nodes import Nodes
from tests.flow.test_resume import resumed
from tests.flow.world import Client, World


def settle(nodes: Nodes) -> None:
    """Let everything that takes a moment come home."""
    nodes.run()
    if nodes.random is not None:
        nodes.advance(0.3)


def worker(world: World, group: str = "g") -> Client:
    client = world.connect()
    answer = client.join("r", "c", group=group)
    assert answer["group"] == group
    assert "group_options" not in answer
    return client


def got(client: Client) -> list[Any]:
    """Payloads that came since the last look."""
    events = [m for m in client.take() if m["type"] == "event"]
    assert all("delivery" not in event for event in events)
    return [event["payload"] for event in events]


def publish(nodes: Nodes, *payloads: Any, node: int = 0) -> None:
    sender = nodes[node].connect()
    for payload in payloads:
        sender.event("r", "c", payload)
    settle(nodes)


def pending(nodes: Nodes, group: str = "g") -> int:
    """Events that are with nodes."""
    return len(nodes.store.groups["r", "c", group].leases)


def test_members_of_all_nodes_share_and_two_groups_and_ordinary_members_see_all() -> None:
    nodes = Nodes(3)
    watcher = nodes[1].member("r", "c")
    first = [worker(nodes[i % 3]) for i in range(6)]
    second = [worker(nodes[i], "h") for i in range(2)]
    for node in range(3):
        publish(nodes, *range(node * 10, node * 10 + 10), node=node)

    everything = list(range(30))
    assert sorted(n for client in first for n in got(client)) == everything
    assert sorted(n for client in second for n in got(client)) == everything
    assert got(watcher) == everything
    assert pending(nodes) == pending(nodes, "h") == 0
    nodes.advance(60)
    assert [got(client) for client in (*first, *second, watcher)] == [[]] * 9


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_first_each_event_goes_to_one_member_while_members_come_and_go(seed: int) -> None:
    random = Random(seed)
    nodes = Nodes(3, random=random)
    stays = worker_when_settled(nodes, 0)
    others: list[Client] = []
    leavers: list[Client] = []
    seen: list[Any] = []
    for n in range(60):
        sender = nodes[n % 3].connect()
        sender.event("r", "c", n)
        if n % 7 == 0:
            others.append(worker_when_settled(nodes, n % 3))
        if n % 11 == 10:
            gone = others.pop()
            gone.post_command("leave_channel", "bye", room="r", channel="c")
            if random.random() < 0.5:
                settle(nodes)
            leavers.append(gone)
    nodes.advance(3)

    for client in (stays, *others, *leavers):
        client.unread = 0
        seen += got(client)
    assert sorted(seen) == list(range(60))


def worker_when_settled(nodes: Nodes, i: int) -> Client:
    client = nodes[i].connect()
    client.post_command("join_channel", "in", room="r", channel="c", group="g")
    settle(nodes)
    assert ("in", "ok") in client.answers()
    return client


def test_what_a_slow_member_was_not_written_goes_to_another_node() -> None:
    nodes = Nodes(2)
    slow = worker(nodes[0])
    slow.socket.is_congested = True
    publish(nodes, 1, 2, 3)
    quick = worker(nodes[1])
    nodes.advance(1.1)

    assert got(slow) == [1]  # the write that found out
    assert got(quick) == [2, 3]
    slow.socket.is_congested, slow.socket.buffered = False, 0
    slow.session.signal(Writable())
    nodes.run()
    publish(nodes, 4)
    assert got(slow) + got(quick) == [4]


def test_a_member_that_was_cut_off_finds_what_waited_for_it() -> None:
    nodes = Nodes(2, server__resume_grace_s=10.0)
    one = worker(nodes[0])
    ticket = one.ticket
    one.lose()
    publish(nodes, "missed", node=1)
    back = nodes[0].connect()

    assert resumed(back, ticket=ticket)["resumed"][0]["group"] == "g"
    nodes.advance(1.1)
    assert got(back) == ["missed"]


def test_what_a_killed_node_had_not_said_it_wrote_goes_to_another_when_its_lease_is_over() -> None:
    nodes = Nodes(2, random=Random(3))
    one = worker_when_settled(nodes, 0)
    sender = nodes[1].connect()
    sender.event("r", "c", "a")
    sender.event("r", "c", "b")
    while not (came := got(one)):
        nodes.advance(0.001)
    nodes.store.nodes["0"].state = "local"  # it is killed: nothing of it is heard any more
    other = worker_when_settled(nodes, 1)
    nodes.advance(8)
    assert got(other) == []
    nodes.advance(5)

    assert came == got(other) == ["a", "b"]  # the one way to twice
    sender.event("r", "c", "c")
    nodes.advance(1)
    assert got(other) == ["c"]
    assert pending(nodes) == 0


def test_a_group_is_over_with_its_last_member_anywhere() -> None:
    nodes = Nodes(2)
    one, two = worker(nodes[0]), worker(nodes[1])
    one.leave("r", "c")
    publish(nodes, "for two")
    assert got(two) == ["for two"]
    two.leave("r", "c")
    publish(nodes, "for nobody")

    three = worker(nodes[0])
    publish(nodes, "for three")
    assert got(three) == ["for three"]


def test_while_the_store_is_away_members_of_a_node_share_and_go_on_behind_it() -> None:
    nodes = Nodes(2)
    here, beside, there = worker(nodes[0]), worker(nodes[0]), worker(nodes[1])
    nodes.cut(0)
    nodes.give_up(0)
    publish(nodes, 1, 2, 3, 4)
    shares = got(here), got(beside)
    assert sorted(shares[0] + shares[1]) == [1, 2, 3, 4]
    assert all(shares)
    assert got(there) == []
    here.leave("r", "c")
    nodes.mend(0)
    publish(nodes, "a", "b", node=1)
    nodes.advance(15)
    assert sorted(got(beside) + got(there)) == ["a", "b"]


def test_words_that_the_store_did_not_hear_are_said_again() -> None:
    nodes = Nodes(2, random=Random(1))
    one = worker_when_settled(nodes, 0)
    other = worker_when_settled(nodes, 1)
    nodes.cut(1)
    sender = nodes[0].connect()
    sender.event("r", "c", "x")
    while not got(one):
        nodes.advance(0.001)
    nodes.cut(0)
    nodes.advance(1)
    nodes.mend(0)
    nodes.mend(1)
    nodes.advance(15)

    assert got(other) == got(one) == []
    assert pending(nodes) == 0


def test_commands_and_options_are_those_of_ordinary_groups() -> None:
    nodes = Nodes(2)
    one = worker(nodes[0])
    about = {"room": "r", "channel": "c", "group": "g"}
    assert one.command("group_info", **about) == {**about, "members": 1, "lag": 0}
    assert one.command("ack", **about, seqs=[1])["code"] == "conflict"
    assert one.command("delete_group", **about)["code"] == "conflict"
    refused = nodes[1].connect().join("r", "c", group="g", group_options={"prefetch": 1})
    assert refused["code"] == "conflict"
    assert one.join("r", "c", group="other")["code"] == "conflict"
    assert nodes[0].connect().command("channel_info", room="r", channel="c")["groups"] == [
        {"group": "g", "members": 1, "waiting": 0}
    ]

"""Several nodes as one bus: private messages, requests, kicks and clients that go on elsewhere."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.flow.cluster_world import Nodes
from tests.flow.world import Client

AUTH: dict[str, Any] = {"auth__keys": {"root": "s3cret", "ann": "key"}, "auth__admins": ("root",)}
GRACE: dict[str, Any] = {"server__resume_grace_s": 10.0}


def private(client: Client, *to: str, **more: Any) -> None:
    client.send({"type": "private", "to": list(to), "payload": 1, **more})


def got(client: Client) -> list[dict[str, Any]]:
    return [m for m in client.take() if m["type"] == "private"]


def answer(client: Client) -> Any:
    (found,) = (m for m in client.take() if m["type"] == "response")
    return found.get("result") or found["error"]


def resumed(nodes: Nodes, i: int, ticket: str, token: str | None = None, **args: Any) -> tuple[Client, dict[str, Any]]:
    client = nodes.connect(i, token=token)
    return client, client.command("connect", resume={"ticket": ticket}, **args)


# --- private messages -------------------------------------------------------------------------------------------------


def test_a_private_message_reaches_clients_of_all_nodes_once_each() -> None:
    nodes = Nodes(3)
    sender, here = nodes.connect(0), nodes.connect(0)
    there, far = nodes.connect(1), nodes.connect(2)
    for client in (sender, here, there, far):
        client.take()

    private(sender, here.id, there.id, "c-none", far.id, id="p1", ack=True)

    assert answer(sender) == {"delivered": 3, "absent": ["c-none"]}
    for client in (here, there, far):
        (message,) = got(client)
        assert (message["from"], message["to"], message["id"]) == (sender.id, [client.id], "p1")


def test_what_a_private_message_bears_travels_along_byte_for_byte() -> None:
    nodes = Nodes(2)
    sender, receiver = nodes.connect(0), nodes.connect(1)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    text = (
        f'{{"type":"private","to":["{receiver.id}"],"payload":{{"n":1.10,"big":12345678901234567890,"e":"\\u00e9"}},'
        f'"metadata":{{"k":1e0}},"reply_to":"q1","id":"a1","traceparent":"{trace}","tracestate":"v=1"}}'
    )
    sender.send(text.encode())

    arrived = receiver.socket.texts[-1]
    assert b'{"n":1.10,"big":12345678901234567890,"e":"\\u00e9"}' in arrived
    assert b'{"k":1e0}' in arrived
    message = receiver.received()[-1]
    assert (message["reply_to"], message["traceparent"], message["tracestate"]) == ("q1", trace, "v=1")


def test_a_request_and_its_reply_cross_nodes() -> None:
    nodes = Nodes(2)
    asker, worker = nodes.connect(0), nodes.connect(1)
    private(asker, worker.id, id="q1", ack=True)
    (question,) = got(worker)
    private(worker, question["from"], id="r1", reply_to=question["id"])

    (reply,) = got(asker)
    assert (reply["from"], reply["reply_to"]) == (worker.id, "q1")


def test_messages_of_one_sender_keep_their_order() -> None:
    nodes = Nodes(2)
    sender, receiver = nodes.connect(0), nodes.connect(1)
    for n in range(50):
        sender.post({"type": "private", "to": [receiver.id], "payload": n})
    nodes.run()

    assert [message["payload"] for message in got(receiver)] == list(range(50))


def test_a_client_that_is_away_on_another_node_is_absent() -> None:
    nodes = Nodes(2, **GRACE)
    sender, receiver = nodes.connect(0), nodes.connect(1)
    receiver.lose()
    sender.take()

    private(sender, receiver.id, f"{receiver.id}.away", id="p1", ack=True)
    assert answer(sender) == {"delivered": 0, "absent": [receiver.id, f"{receiver.id}.away"]}


def test_a_message_with_a_name_that_reaches_nobody_anywhere_is_refused() -> None:
    nodes = Nodes(2)
    sender = nodes.connect(0)
    sender.take()
    private(sender, "c-8", "c-9", id="p1")

    refusal = answer(sender)
    assert (refusal["code"], refusal["details"]) == ("not_found", {"absent": ["c-8", "c-9"]})


@pytest.mark.parametrize("more", [{"id": "p1", "ack": True}, {"id": "p1"}, {}])
def test_out_of_reach_is_said_whether_asked_or_not(more: dict[str, Any]) -> None:
    nodes = Nodes(2)
    sender, here, there = nodes.connect(0), nodes.connect(0), nodes.connect(1)
    here.take()
    sender.take()
    nodes.hub.cut("n0")

    private(sender, here.id, there.id, **more)

    refusal = answer(sender)
    assert (refusal["code"], refusal["retryable"]) == ("unavailable", True)
    assert refusal["details"] == {"delivered": 1, "absent": [], "unknown": [there.id]}
    assert "Redis is away" in refusal["message"]
    assert len(got(here)) == 1


def test_clients_of_the_same_node_need_no_other() -> None:
    nodes = Nodes(2)
    sender, here = nodes.connect(0), nodes.connect(0)
    nodes.hub.cut("n0")
    sender.take()
    private(sender, here.id, id="p1", ack=True)

    assert answer(sender) == {"delivered": 1, "absent": []}


def test_the_clients_of_a_dead_node_are_absent() -> None:
    nodes = Nodes(2)
    sender, there = nodes.connect(0), nodes.connect(1)
    nodes.kill(1)
    sender.take()
    private(sender, there.id, id="p1", ack=True)

    assert answer(sender) == {"delivered": 0, "absent": [there.id]}


# --- kick -------------------------------------------------------------------------------------------------------------


def test_a_kick_finds_the_client_on_any_node_there_or_away() -> None:
    nodes = Nodes(3, **AUTH, **GRACE)
    root = nodes.connect(0, token="s3cret")
    there, away = nodes.connect(1, token="key"), nodes.connect(2, token="key")
    away.lose()

    assert root.command("kick", client=there.id, reason="spam") == {}
    assert root.command("kick", client=away.id) == {}
    assert there.socket.closed == (4503, "spam")
    assert not away.session.alive
    assert root.command("kick", client=there.id)["code"] == "not_found"


def test_a_kick_that_cannot_be_passed_on_may_be_tried_again() -> None:
    nodes = Nodes(2, **AUTH)
    root, there = nodes.connect(0, token="s3cret"), nodes.connect(1, token="key")
    nodes.hub.cut("n0")

    refusal = root.command("kick", client=there.id)
    assert (refusal["code"], refusal["retryable"]) == ("unavailable", True)


# --- another connection, on another node -----------------------------------------------------------------------------


def test_a_lost_client_goes_on_at_another_node_as_who_it_was() -> None:
    nodes = Nodes(2, **GRACE)
    old = nodes.connect(0)
    old.command("set_profile", screen_name="Ada")
    old.join("r", "c", overflow="conflate")
    old.join("r", "g", group="workers")
    old.join("s", "*")
    ticket = old.ticket
    old.lose()
    new, result = resumed(nodes, 1, ticket)

    assert result["client"] == old.id
    assert {(one["room"], one["channel"]) for one in result["resumed"]} >= {("r", "c"), ("r", "g")}
    me = new.command("whoami")
    assert me["profile"]["screen_name"] == "Ada"
    assert {(m["room"], m["channel"], m.get("group")) for m in me["memberships"]} == {
        ("r", "c", None),
        ("r", "g", "workers"),
        ("s", "*", None),
    }
    nodes.advance(2)
    assert not old.session.alive
    assert nodes.worlds[0].bus.directory.n_away == 0


def test_private_messages_find_it_where_it_is_now() -> None:
    nodes = Nodes(3, **GRACE)
    old, sender = nodes.connect(0), nodes.connect(2)
    ticket = old.ticket
    old.lose()
    new, _ = resumed(nodes, 1, ticket)
    new.take()
    sender.take()
    private(sender, old.id, id="p1", ack=True)

    assert answer(sender) == {"delivered": 1, "absent": []}
    assert len(got(new)) == 1
    neighbour = nodes.connect(0)
    neighbour.take()
    private(neighbour, old.id, id="p2", ack=True)
    assert answer(neighbour) == {"delivered": 1, "absent": []}


def test_an_old_connection_that_still_stands_is_closed_as_replaced() -> None:
    nodes = Nodes(2, **GRACE)
    old = nodes.connect(0)
    old.join("r", "c")
    _, result = resumed(nodes, 1, old.ticket)

    assert result["client"] == old.id
    assert old.close_code == 4504
    nodes.advance(2)
    assert not old.session.alive


def test_it_may_go_back_and_forth() -> None:
    nodes = Nodes(2, **GRACE)
    client, first = nodes.connect(0), None
    client.join("r", "c")
    first = client.id
    for n in range(1, 6):
        ticket = client.ticket
        client.lose()
        client, result = resumed(nodes, n % 2, ticket)
        assert result["client"] == first
    assert client.command("whoami")["memberships"] == [{"room": "r", "channel": "c"}]
    assert sum(world.bus.directory.n_clients for world in nodes.worlds) == 1


def test_the_will_of_a_client_that_came_back_elsewhere_is_not_published() -> None:
    nodes = Nodes(2, **GRACE)
    old, here = nodes.connect(0), nodes.member(0, "r", "c")
    there = nodes.member(1, "r", "c")
    old.command("set_will", will={"room": "r", "channel": "c", "payload": "gone"})
    ticket = old.ticket
    old.lose()
    new, _ = resumed(nodes, 1, ticket)
    nodes.advance(30)

    assert here.payloads() == there.payloads() == []
    new.lose()
    nodes.advance(30)
    assert there.payloads() == ["gone"]  # once, where it was last
    assert here.payloads() == []


def test_the_ticket_of_another_user_continues_nobody() -> None:
    nodes = Nodes(2, **AUTH, **GRACE)
    old = nodes.connect(0, token="key")
    new, result = resumed(nodes, 1, old.ticket, token="s3cret")

    assert result["client"] == new.id
    assert old.close_code is None


def test_a_ticket_whose_node_is_dead_or_out_of_reach_continues_nobody_and_positions_do() -> None:
    for fault in ("dead", "away"):
        nodes = Nodes(2, **GRACE)
        old = nodes.connect(0)
        ticket = old.ticket
        if fault == "dead":
            nodes.kill(0)
        else:
            nodes.hub.cut("n1")
        new = nodes.connect(1)
        new.join("r", "c")
        position = new.acked("r", "c", 1)
        new.event("r", "c", 2)
        again = nodes.connect(1)
        since = {"room": "r", "channel": "c", "epoch": position["epoch"], "seq": 1}
        result = again.command("connect", resume={"ticket": ticket, "positions": [since]})

        assert result["client"] == again.id
        assert [one["recovered"] for one in result["resumed"]] == [True]
        assert again.payloads() == [2]


def test_a_node_that_never_says_what_the_client_was_is_not_waited_for() -> None:
    nodes = Nodes(2, **GRACE)
    old, new = nodes.connect(0), nodes.connect(1)
    nodes.worlds[0].cluster.attach(lambda heard: None)  # deaf
    new.post_command("connect", "k1", resume={"ticket": old.ticket})
    nodes.run()
    assert new.answers() == []

    nodes.advance(3)
    assert new.answers() == [("k1", "ok")]
    assert new.received()[-1]["result"]["client"] == new.id


def test_a_successor_that_dies_before_it_lets_go_leaves_nothing_behind() -> None:
    nodes = Nodes(2, **GRACE)
    watcher, old = nodes.member(0, "r", "c", presence=True), nodes.connect(0)
    old.join("r", "c")
    nodes.worlds[1].cluster.tell = lambda node, data: None  # type: ignore[method-assign]
    resumed(nodes, 1, old.ticket)
    assert old.session.alive
    nodes.advance(30)
    watcher.take()

    assert not old.session.alive
    assert nodes.worlds[0].bus.directory.to_continue(old.id) is None


def test_of_two_connections_on_two_nodes_that_show_one_ticket_one_has_the_client() -> None:
    for seed in range(60):
        random = Random(seed)
        nodes = Nodes(3, order=lambda n, random=random: random.randrange(n), **GRACE)  # type: ignore[misc]
        old = nodes.connect(0)
        old.join("r", "c")
        ticket = old.ticket
        heirs = [nodes.connect(1), nodes.connect(2), nodes.connect(0)]
        for n, heir in enumerate(heirs):
            heir.post_command("connect", f"k{n}", resume={"ticket": ticket})
        nodes.run()
        nodes.advance(30)

        there = [world.bus.directory.client(old.id) for world in nodes.worlds]
        assert len([card for card in there if card is not None]) <= 1, seed
        assert [heir.close_code for heir in heirs].count(None) >= 1, seed
        for heir in heirs:
            assert heir.close_code == 4504 or any(m["type"] == "response" for m in heir.received()), seed

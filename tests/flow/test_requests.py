"""Requests and replies: over private messages and over groups. Who asks is told at once when nobody can answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow.world import Client, World, settings

GRACE = {"server__resume_grace_s": 10.0}


def ask(client: Client, request_id: str, **more: Any) -> Any:
    """Send a request to the group of r:jobs; give what its acknowledgement says."""
    client.event("r", "jobs", more.pop("payload", None), id=request_id, ack=True)
    return client._answer_to(request_id)


def requests(worker: Client) -> list[dict[str, Any]]:
    return [m for m in worker.take() if m["type"] == "event"]


def reply(worker: Client, request: dict[str, Any]) -> None:
    message = {"type": "private", "to": [request["from"]], "reply_to": request["id"], "payload": request["payload"]}
    worker.send({**message, "id": f"re-{request['id']}", "ack": True})


def replies(client: Client) -> list[str]:
    return [m["reply_to"] for m in client.received() if m["type"] == "private"]


def test_a_request_over_private_is_answered_by_reply_to() -> None:
    world = World()
    asker, responder = world.connect(), world.connect()
    asker.send({"type": "private", "to": [responder.id], "id": "q1", "payload": "?", "ack": True})
    assert asker._answer_to("q1") == {"delivered": 1, "absent": []}

    (request,) = [m for m in responder.take() if m["type"] == "private"]
    reply(responder, request)

    (answer,) = [m for m in asker.received() if m["type"] == "private"]
    assert (answer["reply_to"], answer["from"], answer["payload"]) == ("q1", responder.id, "?")


def test_a_request_over_a_group_reaches_one_who_can_answer() -> None:
    world = World()
    asker, workers = world.connect(), [world.member("r", "jobs", group="w") for _ in range(2)]

    assert ask(asker, "q1")["delivered"] == 1

    reached = [(worker, request) for worker in workers for request in requests(worker)]
    assert len(reached) == 1
    reply(*reached[0])
    assert replies(asker) == ["q1"]


def test_an_ordinary_member_counts_and_a_group_counts_once() -> None:
    world = World()
    asker = world.connect()
    assert ask(asker, "q0")["delivered"] == 0

    world.member("r", "jobs")
    assert ask(asker, "q1")["delivered"] == 1
    for group in ("v", "w", "w"):
        world.member("r", "jobs", group=group)
    assert ask(asker, "q2")["delivered"] == 3


def test_who_asks_a_group_whose_members_are_all_away_is_told_so_at_once() -> None:
    world = World(settings(**GRACE))
    asker, worker = world.connect(), world.member("r", "jobs", group="w")
    worker.lose()

    assert ask(asker, "q1")["delivered"] == 0


def test_a_group_that_reads_slowly_is_there_all_the_same() -> None:
    world = World()
    asker, worker = world.connect(), world.member("r", "jobs", group="w")
    worker.socket.is_congested = True

    assert [ask(asker, f"q{n}")["delivered"] for n in range(3)] == [1, 1, 1]


def test_where_there_is_no_channel_and_none_is_made_the_request_is_refused() -> None:
    asker = World(settings(channels__auto_create=False)).connect()

    assert ask(asker, "q1")["code"] == "not_found"


@pytest.mark.parametrize("grace", [0.0, 10.0])
def test_requests_that_a_lost_worker_was_not_sent_are_answered_by_another(grace: float) -> None:
    world = World(settings(server__resume_grace_s=grace))
    asker, workers = world.connect(), [world.member("r", "jobs", group="w") for _ in range(2)]
    for n in range(6):
        asker.post_event("r", "jobs", n, id=f"q{n}")
    workers[0].socket.is_congested = True
    workers[0].post({"type": "command", "id": "p", "command": "ping", "args": {}})
    world.run()
    asker.event("r", "jobs", 6, id="q6")
    workers[0].lose()

    got = {request["id"]: worker for worker in workers for request in requests(worker)}

    assert sorted(got) == [f"q{n}" for n in range(7)]
    assert got["q6"] is workers[1]


def test_a_reply_to_who_is_gone_is_answered_at_once() -> None:
    world = World()
    asker, worker = world.connect(), world.member("r", "jobs", group="w")
    asker.event("r", "jobs", 1, id="q1")
    asker.lose()

    (request,) = requests(worker)
    worker.send({"type": "private", "to": [request["from"]], "reply_to": "q1", "id": "a1"})

    assert worker.answers()[-1] == ("a1", "not_found")


def test_who_asked_and_came_back_by_ticket_gets_the_reply() -> None:
    world = World(settings(**GRACE))
    asker, worker = world.connect(), world.member("r", "jobs", group="w")
    asker.event("r", "jobs", 1, id="q1")
    ticket = asker.ticket
    asker.lose()
    back = world.connect()
    back.command("connect", resume={"ticket": ticket})

    (request,) = requests(worker)
    reply(worker, request)

    assert replies(back) == ["q1"]

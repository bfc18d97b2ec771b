"""A session between a socket and probes in place of the registry and a channel."""

from __future__ import annotations

from typing import Any

import pytest

from arqonbus.actor.testing import Probe
from arqonbus.errors import NotFound
from arqonbus.protocol.payloads import Empty
from arqonbus.routing.mail import Answer, Away, Deliver, Parted, Receipt, Replaced, TookOver
from tests.commands.calls import client_card
from tests.flow.world import Client, World, settings


def session() -> tuple[World, Client]:
    world = World()
    client = world.connect()
    client.take()
    return world, client


def test_deliveries_of_one_turn_are_written_together_and_in_order() -> None:
    world, client = session()
    before = client.socket.n_writes

    for n in range(3):
        client.session.signal(Deliver(b"\x81\x01%d" % n, (b"%d" % n,)))
    world.run()

    assert client.socket.texts[-3:] == [b"0", b"1", b"2"]
    assert client.socket.n_writes == before + 1


def test_a_receipt_releases_nobody() -> None:
    world, client = session()
    client.post_command("join_channel", "k1", room="r", channel="c")
    client.session.signal(Receipt("x", NotFound("any")))
    client.post_command("ping", "k2")
    world.run()

    assert client.answers() == [("x", "not_found"), ("k1", "ok"), ("k2", "ok")]


def test_an_answer_to_nobody_is_written_with_null() -> None:
    world, client = session()

    client.session.signal(Answer(None, Empty()))
    world.run()

    assert client.take() == [{"type": "response", "request_id": None, "status": "ok", "result": {}}]


def test_being_parted_from_what_it_is_not_in_is_without_effect() -> None:
    world, client = session()

    client.session.signal(Parted(None, "r", "c", None))
    world.run()

    assert client.take() == []
    assert client.command("whoami")["memberships"] == []


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1009, 4103])
def test_when_the_connection_is_gone_the_session_ends(code: int) -> None:
    world, client = session()

    client.lose(code)

    assert not client.session.alive
    assert world.bus.directory.n_clients == 0


def test_what_comes_after_the_end_is_not_handled() -> None:
    world, client = session()
    client.lose()

    client.event("r", "c", 1)

    assert world.connect().command("history", room="r", channel="c")["code"] == "not_found"


def test_ids_of_clients_are_no_two_alike() -> None:
    world = World()

    ids = {world.connect().id for _ in range(100)}

    assert len(ids) == 100
    assert all(client.startswith("c-") and 10 < len(client) <= 64 for client in ids)


def claimant(world: World) -> tuple[Probe[Any], Replaced]:
    """A session that wants to continue another, as a probe."""
    probe: Probe[Any] = Probe(world.bus.system, "next")
    return probe, Replaced(client_card("c-next", probe.ref))


def test_a_session_that_ends_before_it_reads_a_claim_answers_it() -> None:
    """Nobody else would, and a client would wait for its connect for ever."""
    world = World(settings(server__resume_grace_s=10.0))
    client = world.connect()
    client.lose()
    probe, claim = claimant(world)
    world.manual.clock.advance(11)

    client.session.signal(claim)
    world.run()

    assert not client.session.alive
    assert probe.mails == [TookOver(None)]


def test_a_session_that_fails_at_a_claim_answers_it_and_can_be_found_again() -> None:
    world, client = session()
    probe, claim = claimant(world)
    client.socket.close = lambda code, reason: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    world.bus.registry.signal(Away(world.bus.directory.client(client.id)))  # type: ignore[arg-type]

    client.session.signal(claim)
    world.run()

    assert probe.mails == [TookOver(None)]
    assert world.bus.directory.client(client.id) is not None


def test_a_session_whose_lane_never_empties_hands_over_all_the_same() -> None:
    world, client = session()
    probe, claim = claimant(world)
    world.bus.registry._cell.mailbox.hold()  # private: an answer that does not come
    client.post_command("ping", "k")
    world.run()

    client.session.signal(claim)
    world.run()
    assert probe.mails == []
    world.advance(5)

    assert [type(mail) for mail in probe.mails] == [TookOver]
    assert client.close_code == 4504

"""Private messages between a directory and receivers that are probes."""

from __future__ import annotations

import msgspec
import pytest

from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.commands.private import post, verdict
from arqonbus.errors import NotFound, Unavailable
from arqonbus.protocol.envelope import Private
from arqonbus.protocol.payloads import PrivateResult
from arqonbus.routing.directory import Directory
from tests.commands.calls import NOW, client_card


def test_each_addressee_gets_a_copy_of_its_own_and_the_absent_are_named() -> None:
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher)
    directory, probes = Directory(), {name: Probe(system, name) for name in ("c-1", "c-2")}
    for name, probe in probes.items():
        directory.add_client(client_card(name, probe.ref))

    absent = post(Private(to=["c-1", "c-none", "c-2"], reply_to="q1"), "c-9", 4, NOW, directory)
    manual.run_until_idle()

    assert absent == ["c-none"]
    for name, probe in probes.items():
        (deliver,) = probe.mails
        assert msgspec.json.decode(deliver.texts[0]) == {
            "type": "private",
            "id": "c-9.4",
            "from": "c-9",
            "to": [name],
            "timestamp": NOW,
            "payload": None,
            "reply_to": "q1",
        }


@pytest.mark.parametrize("absent", [[], ["b"], ["a", "b"]])
def test_who_asked_is_told(absent: list[str]) -> None:
    private = Private(to=["a", "b"], id="p", ack=True)

    assert verdict(private, absent, []) == PrivateResult(2 - len(absent), tuple(absent))


@pytest.mark.parametrize(
    ("message_id", "absent", "is_told"), [("p", ["a", "b"], True), ("p", ["b"], False), (None, ["a", "b"], False)]
)
def test_who_did_not_ask_is_told_when_nobody_can_answer(
    message_id: str | None, absent: list[str], is_told: bool
) -> None:
    told = verdict(Private(to=["a", "b"], id=message_id), absent, [])

    assert isinstance(told, NotFound) is is_told
    assert told is None or told.details == {"absent": absent}  # type: ignore[union-attr]


@pytest.mark.parametrize("private", [Private(to=["a", "b", "c"]), Private(to=["a", "b", "c"], id="p", ack=True)])
def test_who_cannot_be_told_what_became_of_it_is_told_that(private: Private) -> None:
    told = verdict(private, ["b"], ["c"], "Redis is away")

    assert isinstance(told, Unavailable) and "Redis is away" in told.message
    assert told.details == {"delivered": 1, "absent": ["b"], "unknown": ["c"]}


def test_copies_for_clients_that_are_not_known_here_are_given_to_the_caller() -> None:
    directory, elsewhere = Directory(), dict[str, bytes]()
    away = client_card("c-away")
    directory.add_client(away)
    directory.set_away(away)

    assert post(Private(to=["c-away", "c-far", "c.dot"]), "c-9", 1, NOW, directory, None, elsewhere) == [
        "c-away",
        "c.dot",
    ]
    assert list(elsewhere) == ["c-far"]
    assert msgspec.json.decode(elsewhere["c-far"])["to"] == ["c-far"]

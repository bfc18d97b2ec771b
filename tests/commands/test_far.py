"""What the registry does for clients of other nodes; tests/flow/test_cluster.py has the whole of it."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.commands import far as module
from arqonbus.commands.far import Far, open_letter
from arqonbus.commands.letters import FoundLetter, KickLetter, PrivateLetter, read, write
from arqonbus.errors import Overloaded
from arqonbus.protocol.envelope import Private
from arqonbus.routing.directory import Directory
from arqonbus.routing.mail import ClaimOver, Kick, LetGoNow, PrivateMail, TookOver
from arqonbus.storage.cluster import ForClient, ForNode, Heard
from arqonbus.storage.memory_cluster import MemoryHub
from tests.commands.calls import client_card


class Stage:
    """The far side of a registry on node n0; ``letters`` is what n1 got."""

    def __init__(self) -> None:
        self.manual = ManualDispatcher()
        self.system = ActorSystem(self.manual.dispatcher)
        self.hub = MemoryHub()
        self.cluster, other = self.hub.node("n0"), self.hub.node("n1")
        self.heard: list[Heard] = []
        other.attach(self.heard.append)
        self.directory = Directory()
        self.far = Far(self.cluster, self.directory)
        self.probe: Probe[Any] = Probe(self.system, "c-1")
        self.card = client_card("c-1", self.probe.ref)

    def open(self) -> None:
        self.directory.add_client(self.card)
        self.far.opened(self.card)

    @property
    def letters(self) -> list[Any]:
        return [read(heard.data) for heard in self.heard if isinstance(heard, ForNode)]


class Pipes:
    """Context that only notes what was piped."""

    def __init__(self) -> None:
        self.piped: list[Any] = []

    def pipe(self, work: Any, done: Any, failed: Any) -> None:
        self.piped.append((work, done, failed))


def test_a_client_is_found_while_it_is_there_and_otherwise_while_it_is_away() -> None:
    stage = Stage()
    stage.open()
    assert stage.cluster.clients == {"c-1"}

    stage.directory.set_away(stage.card)
    stage.far.set_away("c-1")
    assert stage.cluster.clients == {"c-1.away"}

    stage.directory.remove(stage.card.ref)
    stage.far.gone("c-1")
    assert stage.cluster.clients == set()


def test_a_client_that_goes_on_as_another_is_found_by_both_ids_and_gets_mail_by_one() -> None:
    stage = Stage()
    stage.open()
    stage.card.client = "c-0"
    stage.open()

    assert stage.cluster.clients == {"c-0", "c-1.away"}


def test_letters_for_clients_that_are_gone_are_dropped() -> None:
    stage = Stage()
    for letter in (KickLetter("x"), PrivateLetter(b"{}")):  # type: ignore[arg-type]
        stage.far.take(ForClient("c-9", write(letter)), Pipes())  # type: ignore[arg-type]

    assert stage.letters == []


def test_a_kick_of_another_node_reaches_the_session() -> None:
    stage = Stage()
    stage.open()
    stage.far.take(ForClient("c-1", write(KickLetter("spam"))), Pipes())  # type: ignore[arg-type]
    stage.manual.run_until_idle()

    assert stage.probe.take() == [Kick("spam")]


def test_an_answer_to_no_claim_is_dropped() -> None:
    stage = Stage()
    stage.far.found(FoundLetter(99, "c-5"), "n1")
    stage.far.claim_over(ClaimOver(99), Pipes())  # type: ignore[arg-type]

    assert stage.probe.take() == []


def test_too_many_messages_under_way_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_UNDER_WAY", 1)
    stage, ctx = Stage(), Pipes()
    mail = PrivateMail(stage.card, Private(to=["c-2"]))
    stage.far.send_private(mail, {"c-2": b"{}"}, [], None, ctx)  # type: ignore[arg-type]
    with pytest.raises(Overloaded):
        stage.far.send_private(mail, {"c-2": b"{}"}, [], None, ctx)  # type: ignore[arg-type]

    stage.far.settled()
    stage.far.send_private(mail, {"c-2": b"{}"}, [], None, ctx)  # type: ignore[arg-type]
    _, _, failed = ctx.piped[0]
    assert failed(RuntimeError()).deliveries == ["unknown"]


def test_a_letter_that_cannot_be_read_is_logged_and_dropped(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert open_letter(b"?") is None

    assert "letter_not_read" in caplog.text


def test_a_session_that_ended_by_itself_is_let_go_by_nobody() -> None:
    stage = Stage()
    stage.far._handed["c-1"] = stage.card.ref
    stage.far.ended(stage.card.ref)
    stage.far.let_go_now(LetGoNow("c-1"), Pipes())  # type: ignore[arg-type]

    assert stage.probe.take() == []
    assert TookOver(None).client is None

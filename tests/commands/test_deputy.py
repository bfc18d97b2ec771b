"""A deputy, between a session of this node and one of another."""

from __future__ import annotations

from typing import Any

from arqonbus.actor import ActorSystem, Props
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.commands.deputy import Deputy, FarSession
from arqonbus.routing.mail import HandedOver, Kick, LetGo, Replaced, TakeOver, TookOver
from tests.commands.calls import client_card


class Stage:
    def __init__(self) -> None:
        self.manual = ManualDispatcher()
        system = ActorSystem(self.manual.dispatcher)
        self.registry: Probe[Any] = Probe(system, "registry")
        self.deputy: Any = system.spawn(Props(lambda: Deputy("c-1", "n1", 7, self.registry.ref)), "deputy")

    def tell(self, *mails: Any) -> list[Any]:
        for mail in mails:
            self.deputy.signal(mail)
        self.manual.run_until_idle()
        return self.registry.take()


def test_what_the_old_session_was_is_passed_on_once() -> None:
    stage, took = Stage(), TookOver("c-1")

    assert stage.tell(took) == [HandedOver("n1", 7, took)]
    assert not stage.deputy.alive


def test_a_session_that_says_nothing_is_not_waited_for_for_ever() -> None:
    stage = Stage()
    stage.manual.advance(11)

    assert stage.registry.take() == [HandedOver("n1", 7, TookOver(None))]


def test_who_comes_for_the_client_meanwhile_is_sent_to_the_registry() -> None:
    stage, card = Stage(), client_card("c-9")

    assert stage.tell(Replaced(card)) == [TakeOver(card, "c-1")]
    assert stage.tell(TookOver("c-1"), Replaced(card))[1:] == [TakeOver(card, "c-1")]


def test_a_kick_that_comes_too_late_here_changes_nothing() -> None:
    stage = Stage()

    assert stage.tell(Kick("spam")) == []
    assert stage.deputy.alive


def test_a_session_of_another_node_can_be_let_go() -> None:
    told: list[str] = []
    far = FarSession("c-1", told.append)

    assert far.signal(LetGo()) and far.signal(Kick("x"))
    assert told == ["c-1"]

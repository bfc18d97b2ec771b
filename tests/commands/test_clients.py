"""What the registry does for clients by their ids; see test_registry for what it does by commands and mail."""

from __future__ import annotations

from arqonbus.errors import Forbidden, NotFound
from arqonbus.protocol.payloads import Empty
from arqonbus.routing.mail import Answer, Away, Kick
from arqonbus.security.gate import Action, Gate
from tests.commands.calls import Closed
from tests.commands.registry_world import RegistryWorld, Spy


def test_a_kick_goes_to_the_clients_session_and_is_answered() -> None:
    world = RegistryWorld(gate=Spy())
    other, _ = world.connect("c-2")

    assert world.run("kick", client="c-2", reason="spam") == [Answer("k1", Empty())]
    assert other.take() == [Kick("spam")]


def test_a_kick_without_a_reason_says_what_it_is() -> None:
    world = RegistryWorld(gate=Spy())
    other, _ = world.connect("c-2")
    world.run("kick", client="c-2")

    assert other.take() == [Kick("an administrator ended the connection")]


def test_a_client_that_is_away_is_sent_away_for_good() -> None:
    world = RegistryWorld(gate=Spy())
    other, card = world.connect("c-2")
    world.registry.signal(Away(card))

    assert world.run("kick", client="c-2", reason="spam") == [Answer("k1", Empty())]
    assert other.take() == [Kick("spam")]


def test_who_kicks_itself_is_answered_first() -> None:
    world = RegistryWorld(gate=Spy())

    assert world.run("kick", client="c-1", reason="bye") == [Answer("k1", Empty()), Kick("bye")]


def test_a_client_that_nobody_has_is_not_found() -> None:
    world = RegistryWorld(gate=Spy())
    (answer,) = world.run("kick", client="c-9")

    assert isinstance(answer.result, NotFound) and "c-9" in answer.result.message


def test_only_who_may_administrate_may_kick() -> None:
    for gate in (Gate(["somebody"]), Closed(Action.ADMIN)):
        world = RegistryWorld(gate=gate)
        other, _ = world.connect("c-2")
        (answer,) = world.run("kick", client="c-2")

        assert isinstance(answer.result, Forbidden)
        assert other.take() == []

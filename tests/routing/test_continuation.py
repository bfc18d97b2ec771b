"""Continuation: its small decisions; how two sessions play it is in tests/flow/test_resume.py."""

from typing import Any

from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.errors import NotFound
from arqonbus.protocol.payloads import Overflow, Resume, ResumePosition
from arqonbus.routing.continuation import Continuation
from arqonbus.routing.mail import Answer, Rejoin, Replaced, TakeOver, TookOver
from arqonbus.routing.outbox import Outbox, OutboxBounds
from arqonbus.routing.socket import NO_SOCKET
from tests.routing.test_admission import admission
from tests.routing.test_roster import card

BOUNDS = OutboxBounds(1000, 10, 1000, 1.0, 1.0)


def _outbox() -> Outbox:
    return Outbox(NO_SOCKET, BOUNDS, with_texts=False)


def continuation_of(registry: Probe[Any], max_memberships: int = 10) -> Continuation:
    return Continuation(registry.ref, admission(anonymous=True), lambda room, channel: True, max_memberships)


def test_without_a_connect_in_work_nothing_is_noted_or_finished() -> None:
    probe = Probe(ActorSystem(ManualDispatcher().dispatcher))
    continuation = continuation_of(probe)

    continuation.note(Answer("r:c", NotFound("any")))

    assert not continuation.is_resuming
    assert continuation.finish(card("ada"), _outbox()) is False


def rejoins(registry: Probe[Any]) -> list[tuple[str, str, int]]:
    return [(mail.room, mail.join.channel, mail.join.share) for mail in registry.mails if isinstance(mail, Rejoin)]


def test_the_second_who_comes_is_sent_on_to_the_first() -> None:
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher)
    own, first, second = (Probe(system, name) for name in ("own", "first", "second"))
    continuation = continuation_of(own)
    old, one, two = card("old"), card("one"), card("two")
    one.ref, two.ref = first.ref, second.ref

    borne: dict[tuple[str, str], Overflow] = {("r", "c"): "conflate"}
    groups = {("r", "c"): "g"}
    for claim in (Replaced(one), Replaced(two)):
        continuation.claim(claim)
    assert continuation.is_claimed
    continuation.hand_over(old, (("r", "c"),), borne, groups, own.ref)
    manual.run_until_idle()

    assert not continuation.is_claimed
    assert first.mails == [TookOver("old", (("r", "c"),), old.profile, own.ref, borne, None, groups), Replaced(two)]
    assert second.mails == []


def test_who_comes_after_a_successor_that_is_gone_is_sent_to_whoever_has_the_client_now() -> None:
    """The registry knows; if it sends him here again, the successor died before it was known."""
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher)
    registry, first, second = (Probe(system, name) for name in ("registry", "first", "second"))
    continuation = continuation_of(registry)
    old, one, two = card("old"), card("one"), card("two")
    one.ref, two.ref = first.ref, second.ref
    continuation.claim(Replaced(one))
    continuation.hand_over(old, (("r", "c"),), {}, {}, old.ref)
    first.ref.stop()
    manual.run_until_idle()

    for _ in range(2):
        assert second.mails == []
        continuation.claim(Replaced(two))
        continuation.hand_over(old, (("r", "c"),), {}, {}, old.ref)
        manual.run_until_idle()

    assert registry.mails == [TakeOver(two, "old")]
    assert second.mails == [TookOver("old", (("r", "c"),), old.profile, old.ref)]


def test_who_asks_a_session_that_ends_is_sent_to_its_successor_by_the_registry() -> None:
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher)
    registry, first, second = (Probe(system, name) for name in ("registry", "first", "second"))
    continuation = continuation_of(registry)
    old, one, two = card("old"), card("one"), card("two")
    one.ref, two.ref = first.ref, second.ref
    continuation.claim(Replaced(one))
    continuation.hand_over(old, (), {}, {}, old.ref)

    continuation.disown([Replaced(two)], old)
    manual.run_until_idle()

    assert registry.mails == [TakeOver(two, "old")]
    assert second.mails == []


def test_those_who_asked_in_vain_are_told() -> None:
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher)
    own, first = Probe(system, "own"), Probe(system, "first")
    continuation, one, old = continuation_of(own), card("one"), card("old")
    one.ref = first.ref
    continuation.claim(Replaced(one))

    continuation.disown((), old)
    continuation.disown((), old)
    manual.run_until_idle()

    assert first.mails == [TookOver(None)]
    assert not continuation.is_claimed


def test_the_joins_of_a_resumption_share_a_replay_by_the_channels_that_replay() -> None:
    manual = ManualDispatcher()
    registry: Probe[Any] = Probe(ActorSystem(manual.dispatcher), "registry")
    continuation = continuation_of(registry)
    places = tuple(ResumePosition("r", "e1", 0, channel) for channel in "abc")
    continuation.resume("k", Resume("no ticket", places), card("ada"), _outbox())
    manual.run_until_idle()
    assert rejoins(registry) == [("r", "a", 3), ("r", "b", 3), ("r", "c", 3)]

    registry.take()
    again = continuation_of(registry)
    again.resume("k", Resume(admission(anonymous=True).tickets.issue("c-1"), places), card("ada"), _outbox())
    again.take_over(TookOver("c-1", (("r", "*"), ("r", "d")), None, registry.ref), card("ada"))
    manual.run_until_idle()

    assert rejoins(registry) == [("r", "d", 4), ("r", "*", 4)]

"""Continuation: its small decisions; how two sessions play it is in tests/flow/test_resume.py."""

from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.errors import NotFound
from arqonbus.protocol.payloads import Overflow
from arqonbus.routing.continuation import Continuation
from arqonbus.routing.mail import Answer, Replaced, TookOver
from arqonbus.routing.outbox import Outbox, OutboxBounds
from arqonbus.routing.socket import NO_SOCKET
from tests.routing.test_admission import admission
from tests.routing.test_roster import card

BOUNDS = OutboxBounds(1000, 10, 1000, 1.0, 1.0)


def test_without_a_connect_in_work_nothing_is_noted_or_finished() -> None:
    probe = Probe(ActorSystem(ManualDispatcher().dispatcher))
    continuation = Continuation(probe.ref, admission(anonymous=True), lambda room, channel: True)

    continuation.note(Answer("r:c", NotFound("any")))

    assert not continuation.is_resuming
    assert continuation.finish(card("ada"), Outbox(NO_SOCKET, BOUNDS, with_texts=False)) is False


def test_the_second_who_comes_is_sent_on_to_the_first() -> None:
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher)
    own, first, second = (Probe(system, name) for name in ("own", "first", "second"))
    continuation = Continuation(own.ref, admission(anonymous=True), lambda room, channel: True)
    old, one, two = card("old"), card("one"), card("two")
    one.ref, two.ref = first.ref, second.ref

    borne: dict[tuple[str, str], Overflow] = {("r", "c"): "conflate"}
    taken = continuation.hand_over(Replaced(one), old, (("r", "c"),), borne, own.ref)
    again = continuation.hand_over(Replaced(two), old, (("r", "c"),), borne, own.ref)
    manual.run_until_idle()

    assert (taken, again) == (True, False)
    assert first.mails == [TookOver("old", (("r", "c"),), old.profile, own.ref, borne), Replaced(two)]
    assert second.mails == []


def test_where_the_first_who_came_is_gone_the_second_is_given_everything() -> None:
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher)
    own, first, second = (Probe(system, name) for name in ("own", "first", "second"))
    continuation = Continuation(own.ref, admission(anonymous=True), lambda room, channel: True)
    old, one, two = card("old"), card("one"), card("two")
    one.ref, two.ref = first.ref, second.ref
    continuation.hand_over(Replaced(one), old, (("r", "c"),), {}, own.ref)
    first.ref.stop()
    manual.run_until_idle()

    assert continuation.hand_over(Replaced(two), old, (("r", "c"),), {}, own.ref) is True
    manual.run_until_idle()

    assert [type(mail) for mail in second.mails] == [TookOver]

"""A node's question to itself."""

from arqonbus.storage.redis_probe import Probe


def test_a_question_is_due_when_it_can_be_heard_and_the_last_one_is_long_ago() -> None:
    probe = Probe("me")
    assert not probe.is_due(100.0, 5.0)
    assert probe.confirmed() is True
    assert probe.is_due(100.0, 5.0)

    probe.sent(100.0)
    probe.message(b"?")
    assert not probe.is_due(104.9, 5.0)
    assert probe.is_due(105.0, 5.0)


def test_a_question_that_does_not_come_back_is_late() -> None:
    probe = Probe("me")
    probe.confirmed()
    probe.sent(100.0)

    assert not probe.is_due(200.0, 5.0)
    assert not probe.is_late(102.0, 2.0)
    assert probe.is_late(102.1, 2.0)
    probe.message(b"?")
    assert not probe.is_late(200.0, 2.0)


def test_a_wire_that_breaks_takes_the_question_with_it() -> None:
    probe = Probe("me")
    probe.confirmed()
    probe.sent(100.0)
    probe.broken()

    assert not probe.is_late(200.0, 2.0)
    assert not probe.is_due(200.0, 5.0)

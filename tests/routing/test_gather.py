"""Gather: one answer made of those of all channels of a room."""

from arqonbus.errors import Internal
from arqonbus.protocol.payloads import ChannelPosition, JoinChannelArgs
from arqonbus.routing.gather import Gather, Gathers
from arqonbus.routing.mail import Join, StarAnswer
from tests.routing.test_roster import card

ADA = card("ada")
JOIN = Join(ADA, "j", "*", JoinChannelArgs("r", "*"), False)


def position(channel: str, seq: int) -> ChannelPosition:
    return ChannelPosition(channel, "e1", seq)


def test_without_channels_it_is_complete_at_once() -> None:
    gathers = Gathers()
    gather = gathers.start(Gather(JOIN, set(), []))

    assert gather is not None
    assert gather.positions == []
    assert list(gathers) == []


def test_it_is_complete_with_the_last_answer() -> None:
    gathers = Gathers()
    assert gathers.start(Gather(JOIN, {"c", "d"}, [])) is None

    first = gathers.note(StarAnswer(ADA, "c", position("c", 1)))
    last = gathers.note(StarAnswer(ADA, "d", position("d", 2)))

    assert first is None
    assert last is not None
    assert last.positions == [position("c", 1), position("d", 2)]
    assert list(gathers) == []


def test_the_first_refusal_is_kept() -> None:
    gathers, refusal = Gathers(), Internal("first")
    gathers.start(Gather(JOIN, {"c", "d"}, []))
    gathers.note(StarAnswer(ADA, "c", refusal=refusal))

    done = gathers.note(StarAnswer(ADA, "d", refusal=Internal("second")))

    assert done is not None
    assert done.refusal is refusal


def test_a_channel_that_is_gone_is_waited_for_no_more() -> None:
    gathers = Gathers()
    gathers.start(Gather(JOIN, {"c", "d"}, []))
    gathers.note(StarAnswer(ADA, "c", position("c", 1)))

    (done,) = gathers.skip("d")

    assert done.positions == [position("c", 1)]
    assert gathers.skip("d") == []


def test_answers_that_nobody_waits_for_are_without_effect() -> None:
    gathers = Gathers()
    assert gathers.note(StarAnswer(ADA, "c", position("c", 1))) is None

    gathers.start(Gather(JOIN, {"c"}, []))
    gathers.forget("ada")

    assert gathers.note(StarAnswer(ADA, "c", position("c", 1))) is None


def test_an_answer_to_another_connection_of_the_client_is_no_answer() -> None:
    """Its position and what it replayed are not those of the connection that waits."""
    gathers = Gathers()
    gathers.start(Gather(JOIN, {"c"}, []))

    assert gathers.note(StarAnswer(card("ada"), "c", position("c", 1))) is None
    assert gathers.note(StarAnswer(ADA, "c", position("c", 2))) is not None

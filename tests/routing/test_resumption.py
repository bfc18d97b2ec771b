"""Resumption: what a resuming connect joins, and when it is done."""

import pytest

from arqonbus.errors import InvalidArgs, NotFound
from arqonbus.protocol.payloads import JoinChannelArgs, JoinChannelResult, Position, Resume, Resumed, ResumePosition
from arqonbus.routing.resumption import Resumption


def resumption(*places: tuple[str, str, int]) -> Resumption:
    return Resumption(
        "k", Resume(None, tuple(ResumePosition(room, "e1", seq, channel) for room, channel, seq in places))
    )


def done(room: str, channel: str, seq: int) -> JoinChannelResult:
    return JoinChannelResult(
        room=room, channel=channel, epoch="e1", seq=seq, recovered=True, reason=None, replayed=0, members=1
    )


def test_nothing_to_join_is_done_at_once() -> None:
    empty = resumption()

    assert empty.plan(()) == []
    assert empty.is_done


def test_memberships_come_first_and_then_what_is_asked_for_beside_them() -> None:
    steps = resumption(("r", "b", 2), ("r", "z", 3)).plan([("r", "a"), ("r", "b")])

    assert steps == [
        ("r", "a", JoinChannelArgs("r", "a"), {}),
        ("r", "b", JoinChannelArgs("r", "b", since=Position("e1", 2)), {}),
        ("r", "z", JoinChannelArgs("r", "z", since=Position("e1", 3)), {}),
    ]


def test_positions_of_a_room_joined_whole_go_with_that_join() -> None:
    steps = resumption(("r", "a", 1), ("s", "a", 2)).plan([("r", "*")])

    assert steps == [
        ("r", "*", JoinChannelArgs("r", "*"), {"a": Position("e1", 1)}),
        ("s", "a", JoinChannelArgs("s", "a", since=Position("e1", 2)), {}),
    ]


def test_what_each_membership_bears_is_asked_for_again() -> None:
    steps = resumption(("r", "z", 3)).plan(
        [("r", "a"), ("r", "b"), ("s", "*")], {("r", "a"): "conflate", ("s", "*"): "drop_oldest"}
    )

    assert [(room, channel, args.overflow) for room, channel, args, _ in steps] == [
        ("s", "*", "drop_oldest"),
        ("r", "a", "conflate"),
        ("r", "b", None),
        ("r", "z", None),
    ]


def test_it_is_done_when_all_joins_have_answered() -> None:
    work = resumption(("r", "a", 1), ("r", "b", 2))
    work.plan(())
    work.joined("r", "a", done("r", "a", 5), ())
    assert not work.is_done

    work.refused("r", "b", NotFound("any"))

    assert work.is_done
    assert work.resumed == [
        Resumed("r", "a", "e1", 5, True),
        Resumed("r", "b", "e1", 2, False, "not_found"),
    ]


def test_a_room_joined_whole_answers_for_its_channels() -> None:
    work = resumption(("r", "a", 1))
    work.plan([("r", "*")])
    entry = Resumed("r", "a", "e1", 5, True)

    work.joined("r", "*", done("r", "*", 0), (entry,))

    assert work.is_done
    assert work.resumed == [entry]


def test_a_position_without_a_channel_is_refused() -> None:
    with pytest.raises(InvalidArgs, match="expected a channel"):
        Resumption("k", Resume(None, (ResumePosition("r", "e1", 0),)))

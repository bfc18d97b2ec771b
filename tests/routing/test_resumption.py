"""Resumption: what a resuming connect joins, and when it is done."""

import pytest

from arqonbus.errors import Forbidden, Internal, InvalidArgs, NotFound
from arqonbus.protocol.payloads import JoinChannelArgs, JoinChannelResult, Position, Resume, Resumed, ResumePosition
from arqonbus.routing.resumption import Resumption, outcome_of


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

    assert empty.plan((), 10) == []
    assert empty.is_done


def test_memberships_come_first_and_then_what_is_asked_for_beside_them() -> None:
    steps = resumption(("r", "b", 2), ("r", "z", 3)).plan([("r", "a"), ("r", "b")], 10)

    assert steps == [
        ("r", "a", JoinChannelArgs("r", "a"), {}),
        ("r", "b", JoinChannelArgs("r", "b", since=Position("e1", 2)), {}),
        ("r", "z", JoinChannelArgs("r", "z", since=Position("e1", 3)), {}),
    ]


def test_positions_of_a_room_joined_whole_go_with_that_join() -> None:
    steps = resumption(("r", "a", 1), ("s", "a", 2)).plan([("r", "*")], 10)

    assert steps == [
        ("r", "*", JoinChannelArgs("r", "*"), {"a": Position("e1", 1)}),
        ("s", "a", JoinChannelArgs("s", "a", since=Position("e1", 2)), {}),
    ]


def test_what_each_membership_bears_is_asked_for_again() -> None:
    steps = resumption(("r", "z", 3)).plan(
        [("r", "a"), ("r", "b"), ("s", "*")], 10, {("r", "a"): "conflate", ("s", "*"): "drop_oldest"}
    )

    assert [(room, channel, args.overflow) for room, channel, args, _ in steps] == [
        ("r", "a", "conflate"),
        ("r", "b", None),
        ("s", "*", "drop_oldest"),
        ("r", "z", None),
    ]


def test_a_room_as_a_whole_comes_after_its_channels_by_name() -> None:
    """Else live events of the channel would come before what is replayed of it."""
    steps = resumption(("r", "a", 1), ("r", "b", 2)).plan([("r", "*"), ("r", "a")], 10)

    assert steps == [
        ("r", "a", JoinChannelArgs("r", "a", since=Position("e1", 1)), {}),
        ("r", "*", JoinChannelArgs("r", "*"), {"a": Position("e1", 1), "b": Position("e1", 2)}),
    ]


def test_a_channel_joined_twice_over_is_told_of_once_as_it_was_joined_by_name() -> None:
    named, whole = Resumed("r", "a", "e1", 5, True), Resumed("r", "a", "e1", 6, False)
    for order in ("named first", "whole first"):
        work = resumption(("r", "a", 1))
        work.plan([("r", "*"), ("r", "a")], 10)
        if order == "whole first":
            work.joined("r", "*", done("r", "*", 0), (whole,))
        work.joined("r", "a", done("r", "a", 5), ())
        if order == "named first":
            work.joined("r", "*", done("r", "*", 0), (whole,))

        assert (work.is_done, work.resumed) == (True, [named]), order


def test_a_join_by_name_that_failed_is_made_good_by_that_of_the_whole_room() -> None:
    whole = Resumed("r", "a", "e1", 6, True)
    for order in ("named first", "whole first"):
        work = resumption(("r", "a", 1))
        work.plan([("r", "*"), ("r", "a")], 10)
        if order == "whole first":
            work.joined("r", "*", done("r", "*", 0), (whole,))
        work.refused("r", "a", Internal("any"))
        if order == "named first":
            work.joined("r", "*", done("r", "*", 0), (whole,))

        assert (work.is_done, work.resumed) == (True, [whole]), order


def test_a_channel_that_is_gone_from_its_room_is_waited_for_when_it_is_joined_by_name_too() -> None:
    work = resumption(("r", "a", 1))
    work.plan([("r", "*"), ("r", "a")], 10)

    work.joined("r", "*", done("r", "*", 0), ())
    assert (work.is_done, work.waits_for("r", "a"), work.waits_for("r", "*")) == (False, True, False)

    work.refused("r", "a", NotFound("any"))
    assert work.is_done


def test_only_what_was_refused_for_the_moment_is_to_be_tried_again() -> None:
    work = resumption()
    held = [("r", "a"), ("r", "b"), ("r", "c")]
    work.plan(held, 10)
    work.refused("r", "a", Internal("any"))
    work.refused("r", "b", Forbidden("any"))
    work.joined("r", "c", done("r", "c", 0), ())

    assert work.to_be_tried_again(held) == (("r", "a"),)


def test_past_the_bound_of_memberships_places_are_refused_those_that_were_not_held_first() -> None:
    work = resumption(("r", "z", 1), ("r", "y", 2), ("r", "a", 3))

    steps = work.plan([("r", "a"), ("s", "*")], 3)

    assert [step[:2] for step in steps] == [("r", "a"), ("s", "*"), ("r", "z")]
    assert work.resumed == [Resumed("r", "y", "e1", 2, False, "limit_exceeded")]
    assert not work.is_done


def test_a_position_in_a_room_joined_whole_whose_channel_is_gone_is_not_found() -> None:
    work = resumption(("r", "a", 1), ("r", "gone", 7))
    work.plan([("r", "*")], 10)
    entry = Resumed("r", "a", "e1", 5, True)

    work.joined("r", "*", done("r", "*", 0), (entry,))

    assert work.resumed == [entry, Resumed("r", "gone", "e1", 7, False, "not_found")]


def test_it_is_done_when_all_joins_have_answered() -> None:
    work = resumption(("r", "a", 1), ("r", "b", 2))
    work.plan((), 10)
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
    work.plan([("r", "*")], 10)
    entry = Resumed("r", "a", "e1", 5, True)

    work.joined("r", "*", done("r", "*", 0), (entry,))

    assert work.is_done
    assert work.resumed == [entry]


def test_a_position_without_a_channel_is_refused() -> None:
    with pytest.raises(InvalidArgs, match="expected a channel"):
        Resumption("k", Resume(None, (ResumePosition("r", "e1", 0),)))


def test_a_membership_of_a_group_comes_back_without_a_position() -> None:
    steps = resumption(("r", "a", 1)).plan([("r", "a"), ("r", "b")], 9, groups={("r", "a"): "g"})

    assert steps == [
        ("r", "a", JoinChannelArgs("r", "a", group="g"), {}),
        ("r", "b", JoinChannelArgs("r", "b"), {}),
    ]


def test_the_outcome_names_the_group() -> None:
    result = JoinChannelResult(
        room="r", channel="a", epoch="e1", seq=3, recovered=False, reason=None, replayed=0, members=1, group="g"
    )

    assert outcome_of(result) == Resumed("r", "a", "e1", 3, False, group="g")

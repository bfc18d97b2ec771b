"""Who is there at the moment of a join."""

import pytest

from arqonbus.client.errors import Denied
from arqonbus.client.roll import MOST_LISTED
from tests.client.stage import Stage

ANA = {"client": "c-ana", "user": None, "profile": {}, "joined_at": ""}
BOB = {"client": "c-bob", "user": None, "profile": {}, "joined_at": ""}


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.connect()
    return stage


@pytest.mark.rules("R47")
def test_a_join_that_says_who_is_there_needs_no_question(stage: Stage) -> None:
    seat = stage.follow()

    args = stage.answer_join(members=2, present=[ANA, BOB])

    assert args["presence"] is True
    assert seat.has_started and seat.roster is not None
    assert sorted(seat.roster.members) == ["c-ana", "c-bob"]
    assert stage.sent() == []


@pytest.mark.rules("R47")
def test_a_join_that_does_not_say_it_is_followed_by_members_all_pages(stage: Stage) -> None:
    seat = stage.follow()
    stage.answer_join(members=2)
    assert not seat.has_started

    (first,) = stage.sent()
    stage.answer(first["id"], {"members": [ANA], "count": 2, "cursor": "next"})
    (second,) = stage.sent()
    stage.answer(second["id"], {"members": [BOB], "count": 2, "cursor": None})

    assert (first["command"], second["args"]["cursor"]) == ("members", "next")
    assert seat.has_started and seat.roster is not None
    assert (sorted(seat.roster.members), seat.roster.count) == (["c-ana", "c-bob"], 2)


@pytest.mark.rules("R47")
def test_too_many_are_not_asked_for(stage: Stage) -> None:
    seat = stage.follow()

    stage.answer_join(members=MOST_LISTED + 1)

    assert stage.sent() == []
    assert seat.has_started and seat.roster is not None
    assert (seat.roster.count, seat.roster.is_listed) == (MOST_LISTED + 1, False)


@pytest.mark.rules("R47")
def test_members_that_may_not_be_listed_end_the_handle(stage: Stage) -> None:
    seat = stage.follow()
    stage.answer_join(members=2)
    (question,) = stage.sent()

    stage.refuse(question["id"], "forbidden")

    assert isinstance(seat.error, Denied)


@pytest.mark.rules("R30", "R47")
def test_after_a_reconnect_the_roll_is_called_again(stage: Stage) -> None:
    seat = stage.follow()
    stage.answer_join(members=1, present=[ANA])
    stage.lose()
    stage.connect()
    stage.say_system("member_joined", {**BOB, "count": 2}, room="science", channel="explore")

    stage.answer_join(members=1, present=[ANA])

    assert seat.roster is not None
    assert sorted(seat.roster.members) == ["c-ana", "c-bob"]


def test_a_second_follower_leaves_the_first_alone(stage: Stage) -> None:
    first = stage.follow()
    stage.answer_join(members=1, present=[ANA])
    assert first.roster is not None
    first.roster.take()

    second = stage.follow()
    stage.answer_join(members=2, present=[ANA, BOB])

    assert first.roster.take() is None
    assert second.roster is not None and second.roster.count == 2

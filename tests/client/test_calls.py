"""Calls: who waits for which answer."""

import pytest
from msgspec import Raw

from arqonbus.client.calls import Call, Calls
from arqonbus.client.codec import ErrorIn, PrivateIn, ResponseIn
from arqonbus.client.errors import Expired, NoResponder, NotFound
from tests.client.stage import Box


def ok(id: str, result: bytes = b"{}") -> ResponseIn:
    return ResponseIn("ok", id, Raw(result))


def refused(id: str, code: str) -> ResponseIn:
    return ResponseIn("error", id, error=ErrorIn(code, "words"))


@pytest.fixture
def calls() -> Calls:
    return Calls()


def add(calls: Calls, id: str, *, is_request: bool = False) -> Box:
    box = Box()
    calls.add(Call(id, box, "science:explore", is_request))
    return box


def test_an_answer_goes_to_its_call_and_to_no_other(calls: Calls) -> None:
    box, other = add(calls, "a"), add(calls, "b")

    assert calls.answered(ok("a", b'{"n":1}'), 1.0)

    assert box.result == {"n": 1}
    assert other.answers == [] and len(calls) == 1
    assert not calls.answered(ok("a"), 1.0)
    assert not calls.answered(ResponseIn("ok"), 1.0)


@pytest.mark.rules("R52")
def test_a_refusal_is_the_error_of_its_code(calls: Calls) -> None:
    box = add(calls, "a")

    calls.answered(refused("a", "not_found"), 1.0)

    assert isinstance(box.error, NotFound)


def test_an_id_that_waits_already_is_refused(calls: Calls) -> None:
    add(calls, "a")

    with pytest.raises(ValueError, match="'a'"):
        add(calls, "a")


@pytest.mark.rules("R44")
def test_a_request_waits_for_the_reply_and_not_for_the_ack(calls: Calls) -> None:
    box = add(calls, "a", is_request=True)

    calls.answered(ok("a", b'{"seq":1,"epoch":"e","delivered":2}'), 1.0)
    assert box.answers == []
    reply = PrivateIn(id="r", reply_to="a")

    assert calls.replied(reply, 1.0)
    assert box.answers == [reply]


@pytest.mark.rules("R45")
@pytest.mark.parametrize("result", [b'{"delivered":0}', b'{"delivered":0,"absent":["c-1"]}'])
def test_a_request_that_reached_nobody_has_no_responder(calls: Calls, result: bytes) -> None:
    box = add(calls, "a", is_request=True)

    calls.answered(ok("a", result), 1.0)

    assert isinstance(box.error, NoResponder)


@pytest.mark.rules("R45")
def test_a_request_to_a_channel_that_is_not_there_has_no_responder(calls: Calls) -> None:
    box = add(calls, "a", is_request=True)

    calls.answered(refused("a", "not_found"), 1.0)

    assert isinstance(box.error, NoResponder)


@pytest.mark.rules("R43")
def test_a_private_message_that_answers_none_of_ours_is_for_the_inbox(calls: Calls) -> None:
    add(calls, "a")

    assert not calls.replied(PrivateIn(reply_to="a"), 1.0)  # an event with ack is no request
    assert not calls.replied(PrivateIn(reply_to="b"), 1.0)
    assert not calls.replied(PrivateIn(), 1.0)


def test_a_call_may_fail_or_be_forgotten(calls: Calls) -> None:
    box = add(calls, "a")
    add(calls, "b", is_request=True)

    assert calls.fail("a", Expired("late"), 1.0)
    assert not calls.fail("a", Expired("late"), 1.0)
    assert [call.id for call in calls.requests()] == ["b"]
    calls.forget("b")

    assert isinstance(box.error, Expired)
    assert len(calls) == 0 and "b" not in calls


def test_all_that_wait_are_given_at_the_end(calls: Calls) -> None:
    add(calls, "a")
    add(calls, "b")

    assert [call.id for call in calls.clear()] == ["a", "b"]
    assert calls.what("a") == "a"

"""What goes out, who waits for it, and what becomes of it when the connection is lost."""

import re

import pytest

from arqonbus.client.errors import (
    BusClosed,
    Conflict,
    Expired,
    InvalidRequest,
    NoResponder,
    OutboxFull,
    OutcomeUnknown,
)
from arqonbus.client.sending import Terms
from tests.client.stage import MAX_MESSAGE_BYTES, Box, Stage


@pytest.mark.rules("R18")
def test_ids_count_up_behind_a_prefix_of_the_bus() -> None:
    stage = Stage()
    ids = [stage.core.sending.new_id() for _ in range(40)]

    assert ids[:2] == ["P-1", "P-2"]
    assert ids[9] == "P-a" and ids[35] == "P-10"
    assert all(re.fullmatch(r"P-[0-9a-z]+", id) for id in ids)


@pytest.mark.rules("R20")
def test_an_ack_settles_its_call() -> None:
    stage = Stage()
    stage.connect()
    box = stage.publish("x", ack=True)
    (frame,) = stage.sent()

    stage.answer(frame["id"], {"seq": 4, "epoch": "e1", "duplicate": False, "stored": "memory"})

    assert box.result["seq"] == 4
    assert not stage.core.sending.has_work


@pytest.mark.rules("R19", "R22")
def test_messages_wait_while_away_and_go_out_in_order() -> None:
    stage = Stage()
    stage.connect()
    stage.lose()
    for n in range(3):
        stage.publish(n)
    assert stage.sent() == []

    stage.connect()

    assert [frame["payload"] for frame in stage.sent()] == [0, 1, 2]


@pytest.mark.rules("R21")
def test_away_a_message_past_the_bound_is_refused() -> None:
    stage = Stage(outbox_messages=2)
    stage.publish(1)
    stage.publish(2)

    with pytest.raises(OutboxFull, match="holds 2 messages"):
        stage.publish(3)


@pytest.mark.rules("R21")
def test_the_bound_in_bytes_holds_too() -> None:
    stage = Stage(outbox_bytes=150)
    stage.publish("x" * 40)

    with pytest.raises(OutboxFull):
        stage.publish("x" * 40)


@pytest.mark.rules("R22")
def test_what_waits_too_long_without_an_ack_is_counted_and_told() -> None:
    stage = Stage(outbox_ttl_s=30.0)
    stage.publish("x")

    stage.advance(30.0)

    assert [type(error) for error in stage.errors] == [Expired]
    assert stage.core.stats().expired == 1
    stage.connect()
    assert stage.sent() == []


@pytest.mark.rules("R22", "R26")
def test_what_waits_too_long_with_an_ack_expires_for_its_caller() -> None:
    stage = Stage()
    box = stage.publish("x", ack=True, timeout_s=30.0)

    stage.advance(30.0)

    assert isinstance(box.error, Expired)
    assert stage.errors == []
    stage.connect()
    assert stage.sent() == []


@pytest.mark.rules("R26")
def test_a_deadline_after_it_was_sent_leaves_the_outcome_unknown() -> None:
    stage = Stage()
    stage.connect()
    box = stage.command("status", timeout_s=10.0)
    stage.sent()

    stage.advance(10.0)

    assert isinstance(box.error, OutcomeUnknown)
    assert "status" in box.error.message


@pytest.mark.rules("R26")
def test_what_a_caller_gave_up_before_it_was_sent_is_not_sent() -> None:
    stage = Stage()
    stage.publish("x", ack=True, id="mine")

    stage.core.sending.withdraw("mine")
    stage.connect()

    assert stage.sent() == []
    assert not stage.core.sending.has_work


@pytest.mark.rules("R24")
def test_an_event_that_was_not_answered_is_sent_again_by_the_same_client() -> None:
    stage = Stage()
    stage.connect("c-1")
    box = stage.publish("first", ack=True)
    (before,) = stage.sent()
    stage.lose()
    stage.publish("second")

    stage.connect("c-1")
    after = stage.sent()

    assert [frame["payload"] for frame in after] == ["first", "second"]
    assert after[0]["id"] == before["id"]
    assert box.answers == []


@pytest.mark.rules("R24")
def test_it_is_sent_again_by_the_same_user_under_another_client_id() -> None:
    stage = Stage()
    stage.connect("c-1", user="ana")
    stage.publish("first", ack=True)
    stage.sent()
    stage.lose()

    stage.connect("c-2", user="ana")

    assert [frame["payload"] for frame in stage.sent()] == ["first"]


@pytest.mark.rules("R24")
@pytest.mark.parametrize(("before", "after"), [(None, None), ("ana", "bob"), ("ana", None)])
def test_a_server_that_cannot_know_it_is_not_sent_it_again(before: str | None, after: str | None) -> None:
    stage = Stage()
    stage.connect("c-1", user=before)
    box = stage.publish("first", ack=True)
    stage.sent()
    stage.lose()

    stage.connect("c-2", user=after)

    assert isinstance(box.error, OutcomeUnknown)
    assert stage.sent() == []


@pytest.mark.rules("R24")
def test_an_event_without_an_ack_is_not_sent_again() -> None:
    stage = Stage()
    stage.connect()
    stage.publish("x")
    assert len(stage.sent()) == 1
    stage.lose()

    stage.connect()

    assert stage.sent() == []


@pytest.mark.rules("R25")
def test_a_command_that_may_not_be_done_twice_is_given_up_at_once() -> None:
    stage = Stage()
    stage.connect()
    box = stage.command("create_channel", after_loss="give_up")
    stage.sent()

    stage.lose()

    assert isinstance(box.error, OutcomeUnknown)


@pytest.mark.rules("R25")
def test_a_command_that_asks_is_asked_again() -> None:
    stage = Stage()
    stage.connect("c-1")
    box = stage.command("status")
    stage.sent()
    stage.lose()

    stage.connect("c-2")

    assert [frame["command"] for frame in stage.sent()] == ["status"]
    assert box.answers == []


@pytest.mark.rules("R25")
def test_a_command_that_was_not_sent_yet_waits_whatever_it_is() -> None:
    stage = Stage()
    stage.connect()
    stage.lose()
    stage.command("create_channel", after_loss="give_up")

    stage.connect()

    assert [frame["command"] for frame in stage.sent()] == ["create_channel"]


@pytest.mark.rules("R11")
def test_a_message_larger_than_the_server_takes_is_refused_here() -> None:
    stage = Stage()
    stage.connect()

    with pytest.raises(InvalidRequest) as caught:
        stage.publish("x" * MAX_MESSAGE_BYTES)

    assert caught.value.code == "too_large"
    assert stage.sent() == []


@pytest.mark.rules("R11")
def test_one_that_was_queued_before_the_limit_was_known_is_checked_in_its_turn() -> None:
    stage = Stage()
    box = stage.publish("x" * MAX_MESSAGE_BYTES, ack=True)
    stage.publish("y" * MAX_MESSAGE_BYTES)
    stage.publish("small")

    stage.connect()

    assert [frame["payload"] for frame in stage.sent()] == ["small"]
    assert box.error.code == "too_large"
    assert [error.code for error in stage.errors] == ["too_large"]


@pytest.mark.rules("R27")
def test_a_refusal_that_nobody_waits_for_is_told_as_the_error_of_its_code() -> None:
    stage = Stage()
    stage.connect()
    stage.publish("x", id="mine")
    stage.sent()

    stage.refuse("mine", "conflict")

    (error,) = stage.errors
    assert isinstance(error, Conflict)
    assert error.__notes__ == ["message mine"]


@pytest.mark.rules("R22", "R45")
def test_a_request_that_was_not_sent_yet_waits_for_the_next_session_whoever_that_is() -> None:
    stage = Stage()
    stage.connect("c-1")
    stage.lose()
    box = stage.publish("?", ack=True, id="q", is_request=True)

    stage.connect("c-2")

    assert [frame["id"] for frame in stage.sent()] == ["q"]
    assert box.answers == []


@pytest.mark.rules("R44", "R45")
def test_a_request_lives_through_a_reconnect_that_keeps_the_client() -> None:
    stage = Stage()
    stage.connect("c-1")
    box = stage.publish("?", ack=True, id="q", is_request=True)
    stage.sent()
    stage.answer("q", {"seq": 1, "epoch": "e1", "delivered": 1})
    stage.lose()
    stage.connect("c-1")

    stage.say(type="private", id="r", sender="c-9", reply_to="q", payload="!")

    (reply,) = box.answers
    assert bytes(reply.payload) == b'"!"'  # type: ignore[union-attr]
    assert stage.core.next_at is not None
    stage.advance(60)
    assert len(box.answers) == 1


@pytest.mark.rules("R45")
def test_a_request_is_given_up_when_the_client_id_was_not_kept() -> None:
    stage = Stage()
    stage.connect("c-1", user="ana")
    box = stage.publish("?", ack=True, id="q", is_request=True)
    stage.sent()
    stage.answer("q", {"seq": 1, "epoch": "e1"})
    stage.lose()

    stage.connect("c-2", user="ana")

    assert isinstance(box.error, OutcomeUnknown)


@pytest.mark.rules("R45")
def test_a_request_that_reaches_nobody_fails_at_once() -> None:
    stage = Stage()
    stage.connect()
    box = stage.publish("?", ack=True, id="q", is_request=True)
    stage.sent()

    stage.answer("q", {"seq": 1, "epoch": "e1", "delivered": 0})

    assert isinstance(box.error, NoResponder)
    stage.advance(60)
    assert len(box.answers) == 1


@pytest.mark.rules("R3", "R49")
def test_at_the_end_every_caller_is_told() -> None:
    stage = Stage()
    stage.connect()
    flying = stage.publish("a", ack=True)
    stage.sent()
    waiting = stage.command("status")

    stage.core.close(stage.now)

    assert isinstance(flying.error, BusClosed) and isinstance(waiting.error, BusClosed)
    with pytest.raises(BusClosed):
        stage.publish("b")


def test_room_is_told_when_something_leaves_the_outbox() -> None:
    stage = Stage()
    stage.connect()
    before = stage.n_rooms

    stage.publish("x")
    stage.sent()

    assert stage.n_rooms == before + 1


def test_terms_are_those_of_an_event_by_default() -> None:
    assert Terms() == Terms(10.0, "queue", "if_known", False)
    assert Box().answers == []

"""The link: when it dials, what follows each close, when it gives up."""

import pytest

from arqonbus.client.errors import BusClosed, CannotConnect, TryLater, Unauthorized
from arqonbus.client.state import Dial, HangUp
from arqonbus.protocol import codes
from tests.client.stage import HEARTBEAT_S, Dice, Stage

BACK_OFF = [1001, 1006, 1011, 1012, 1013, 3000, 4100, 4101, 4102, 4103, 4199, 4242]
AT_ONCE = [4000, 4002, 4099]
FINAL = [1000, 1002, 1003, 1007, 1009, 4500, 4502, 4503, 4504, 4999]


@pytest.mark.rules("R1", "R2")
def test_a_first_session_goes_through_connecting_to_connected() -> None:
    stage = Stage()

    stage.connect()

    assert [(change.before, change.after, change.cause) for change in stage.changes] == [
        ("idle", "connecting", "user"),
        ("connecting", "connected", "opened"),
    ]


@pytest.mark.rules("R6", "R7")
def test_the_first_frame_is_connect_and_nothing_is_sent_before_its_answer() -> None:
    stage = Stage()
    stage.start()
    stage.publish("early")
    stage.core.profile = {"screen_name": "ana"}
    stage.core.will = {"room": "science", "channel": "explore", "payload": 1}

    greeting = stage.open_socket(token="secret")

    assert greeting["args"] == {"profile": {"screen_name": "ana"}, "will": stage.core.will, "token": "secret"}
    stage.say_system("welcome", {"client": "c-0"})
    assert stage.sent() == []
    assert stage.core.link.state == "connecting"
    stage.welcome()
    assert [frame["payload"] for frame in stage.sent()] == ["early"]


@pytest.mark.rules("R7", "R28")
def test_the_next_connect_shows_the_ticket_of_the_last_answer() -> None:
    stage = Stage()
    stage.connect("c-1")
    stage.lose()
    stage.until_dial()

    greeting = stage.open_socket()
    stage.say_system("welcome", {"client": "c-2", "ticket": "ticket of c-2"})
    stage.welcome("c-1")

    assert greeting["args"]["resume"] == {"ticket": "ticket of c-1"}
    assert stage.changes[-1].resumed
    assert stage.changes[-1].cause == "resumed"


@pytest.mark.rules("R28")
def test_another_client_id_is_a_new_beginning() -> None:
    stage = Stage()
    stage.connect("c-1")
    stage.lose()

    stage.connect("c-2")

    assert not stage.changes[-1].resumed
    assert stage.changes[-1].cause == "opened"


@pytest.mark.rules("R12", "R14")
@pytest.mark.parametrize("code", BACK_OFF)
def test_after_these_closes_it_dials_behind_a_random_delay(code: int) -> None:
    stage = Stage(dice=Dice(0.5))
    stage.connect()

    stage.lose(code)

    assert stage.changes[-1].after == "reconnecting"
    assert stage.changes[-1].code == code
    assert stage.changes[-1].retry_in_s == 0.25
    assert stage.until_dial() == pytest.approx(0.25)


@pytest.mark.rules("R14", "R15")
@pytest.mark.parametrize("code", AT_ONCE)
def test_after_these_closes_it_dials_at_once(code: int) -> None:
    stage = Stage()
    stage.connect()

    stage.lose(code)

    assert stage.until_dial() == 0


@pytest.mark.rules("R3", "R14")
@pytest.mark.parametrize("code", FINAL)
def test_after_these_closes_it_is_over(code: int) -> None:
    stage = Stage()
    stage.connect()

    stage.lose(code, "words")

    assert stage.changes[-1].after == "closed"
    assert stage.core.next_at is None
    assert str(code) in str(stage.core.link.error)
    assert isinstance(stage.core.link.error, Unauthorized if code == 4502 else BusClosed)


@pytest.mark.rules("R14")
def test_every_code_of_the_table_is_in_this_test() -> None:
    special = {codes.TOKEN_EXPIRED, codes.UNAUTHENTICATED}

    assert set(codes.CLOSE_CODES) <= {*BACK_OFF, *AT_ONCE, *FINAL, *special}


@pytest.mark.rules("R9", "R14")
def test_an_expired_token_is_asked_for_anew_at_once() -> None:
    stage = Stage(has_token_function=True)
    stage.connect(token="old")

    stage.lose(codes.TOKEN_EXPIRED)
    stage.until_dial()

    assert stage.dialled().reason == "expired"


@pytest.mark.rules("R14")
def test_an_expired_token_that_is_a_text_is_the_end() -> None:
    stage = Stage()
    stage.connect(token="old")

    stage.lose(codes.TOKEN_EXPIRED)

    assert isinstance(stage.core.link.error, Unauthorized)
    assert stage.changes[-1].after == "closed"


@pytest.mark.rules("R9", "R14")
def test_a_rejected_token_is_asked_for_once_more() -> None:
    stage = Stage(has_token_function=True)
    stage.start()
    stage.open_socket(token="old")
    stage.refuse("connect", "unauthenticated")
    assert stage.until_dial() == 0
    (dial,) = [effect for effect in stage.take() if isinstance(effect, Dial)]

    stage.core.opened(dial.number, "new", stage.now)
    stage.welcome()

    assert dial.reason == "rejected"
    assert stage.core.link.state == "connected"


@pytest.mark.rules("R14")
def test_the_same_token_again_is_the_end() -> None:
    stage = Stage(has_token_function=True)
    stage.start()
    stage.open_socket(token="old")
    stage.lose(codes.UNAUTHENTICATED)
    stage.until_dial()

    stage.core.opened(stage.dialled().number, "old", stage.now)

    assert isinstance(stage.core.link.error, Unauthorized)


@pytest.mark.rules("R14")
def test_a_second_rejection_in_a_row_is_the_end() -> None:
    stage = Stage(has_token_function=True)
    stage.start()
    stage.open_socket(token="old")
    stage.lose(codes.UNAUTHENTICATED)
    stage.until_dial()
    stage.open_socket(token="new")

    stage.lose(codes.UNAUTHENTICATED)

    assert isinstance(stage.core.link.error, Unauthorized)
    assert stage.changes[-1].after == "closed"


@pytest.mark.rules("R14")
def test_a_rejected_text_is_the_end_and_says_why() -> None:
    stage = Stage()
    stage.start()
    stage.open_socket(token="wrong")
    stage.say_system("refused", {"code": "unauthenticated", "message": "no such key", "retryable": False})

    stage.lose(codes.UNAUTHENTICATED)

    assert "no such key" in str(stage.core.link.error)


@pytest.mark.rules("R8")
def test_a_connect_that_is_refused_for_good_is_the_end() -> None:
    stage = Stage()
    stage.start()
    stage.open_socket()

    stage.refuse("connect", "invalid_args")

    assert stage.core.link.error is not None and stage.core.link.error.code == "invalid_args"
    assert stage.hung_up() == [codes.NORMAL]


@pytest.mark.rules("R8")
def test_a_connect_that_is_refused_for_now_waits_as_long_as_the_server_says() -> None:
    stage = Stage(dice=Dice(0.0))
    stage.start()
    stage.open_socket()

    stage.refuse("connect", "overloaded", retryable=True, retry_after_ms=3000)

    assert stage.changes[-1].after == "reconnecting"
    assert isinstance(stage.core.link.error, CannotConnect)
    assert isinstance(stage.core.link.error.__cause__, TryLater)
    assert stage.until_dial() == 3.0


@pytest.mark.rules("R6")
def test_a_dial_that_takes_too_long_is_given_up() -> None:
    stage = Stage()
    stage.start()
    stage.take()

    stage.advance(10.0)

    assert HangUp(1, None) in stage.take()
    assert stage.changes[-1].cause == "dial_failed"


@pytest.mark.rules("R6", "R12")
def test_each_failed_dial_waits_longer_up_to_the_ceiling() -> None:
    stage = Stage(dice=Dice(1.0))
    stage.start()
    delays = []

    for _ in range(8):
        stage.core.dial_failed(stage.dialled().number, OSError("refused"), stage.now)
        delays.append(stage.until_dial())

    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]
    assert stage.changes[-1].attempt == 8
    assert stage.changes[-1].reason == "refused"


@pytest.mark.rules("R13")
def test_a_session_of_ten_seconds_starts_the_count_anew() -> None:
    stage = Stage(dice=Dice(1.0))
    stage.connect()
    for _ in range(4):
        stage.lose()
        stage.connect()
    stage.advance(9.0)
    stage.lose()
    assert stage.until_dial() == 8.0
    stage.open_socket()
    stage.welcome()

    stage.advance(10.0)
    stage.lose()

    assert stage.until_dial() == 0.5


@pytest.mark.rules("R15", "R16")
def test_a_drain_of_the_server_spreads_those_who_come_back() -> None:
    stage = Stage(dice=Dice(0.5))
    stage.connect()
    stage.say_system("draining", {"deadline_ms": 10_000, "spread_ms": 6_000})
    assert stage.core.link.state == "connected"

    stage.lose(codes.DRAIN_OVER)

    assert stage.until_dial() == 3.0


@pytest.mark.rules("R16")
def test_a_server_that_forgets_to_close_after_its_drain_is_left() -> None:
    stage = Stage()
    stage.connect()
    stage.say_system("draining", {"deadline_ms": 2_000, "spread_ms": 0})

    stage.advance(3.0)

    assert [type(effect) for effect in stage.take()] == [HangUp, Dial]


@pytest.mark.rules("R15")
def test_closes_at_once_that_follow_each_other_back_off() -> None:
    stage = Stage(dice=Dice(1.0))
    stage.connect()
    stage.lose(codes.DRAIN_OVER)
    assert stage.until_dial() == 0
    stage.open_socket()
    stage.welcome()

    stage.lose(codes.DRAIN_OVER)

    assert stage.until_dial() == 1.0


@pytest.mark.rules("R5")
def test_what_an_older_socket_says_or_how_it_ends_is_ignored() -> None:
    stage = Stage()
    stage.connect()
    stage.lose()
    stage.connect()

    stage.core.ended(1, 1000, "", stage.now)
    stage.core.received(1, b'{"type":"system","event":"draining","payload":{}}', stage.now)

    assert stage.core.link.state == "connected"
    assert stage.system == []


@pytest.mark.rules("R4", "R5")
def test_a_socket_that_opens_too_late_is_closed() -> None:
    stage = Stage()
    stage.start()
    number = stage.dialled().number
    stage.core.close(stage.now)
    stage.take()

    stage.core.opened(number, None, stage.now)

    assert stage.hung_up() == [codes.NORMAL]
    assert stage.core.link.state == "closed"


@pytest.mark.rules("R4")
def test_after_close_nothing_dials_again() -> None:
    stage = Stage()
    stage.connect()
    stage.core.close(stage.now)
    stage.take()

    stage.lose()
    stage.core.link.start(stage.now)
    stage.advance(60)

    assert stage.take() == []
    assert stage.core.next_at is None


@pytest.mark.rules("R4")
def test_to_close_while_waiting_for_the_next_dial_is_the_end() -> None:
    stage = Stage()
    stage.connect()
    stage.lose()

    stage.core.close(stage.now)

    assert stage.core.next_at is None
    assert stage.changes[-1].cause == "user"


@pytest.mark.rules("R9")
def test_a_token_function_that_raises_is_a_failed_dial() -> None:
    stage = Stage(has_token_function=True)
    stage.start()

    stage.core.dial_failed(stage.dialled().number, KeyError("token"), stage.now)

    assert stage.core.link.state == "reconnecting"
    assert isinstance(stage.core.link.error, CannotConnect)
    assert isinstance(stage.core.link.error.__cause__, KeyError)


@pytest.mark.rules("R9")
def test_a_token_function_that_says_unauthorized_is_the_end() -> None:
    stage = Stage(has_token_function=True)
    stage.start()
    error = Unauthorized("log in again")

    stage.core.dial_failed(stage.dialled().number, error, stage.now)

    assert stage.core.link.error is error
    assert stage.core.link.state == "closed"


@pytest.mark.rules("R1")
def test_a_drain_by_the_user_shows_as_one_state_whatever_the_connection_does() -> None:
    stage = Stage()
    stage.connect()
    stage.core.drain(stage.now)

    stage.lose()
    stage.connect()
    stage.core.close(stage.now)

    assert [change.after for change in stage.changes][2:] == ["draining", "closed"]


@pytest.mark.rules("R17")
def test_a_connection_that_ends_before_the_greeting_is_answered_is_a_failed_dial() -> None:
    stage = Stage()
    stage.start()
    stage.open_socket()

    stage.lose(1006)

    assert stage.core.link.state == "reconnecting"
    assert isinstance(stage.core.link.error, CannotConnect)


@pytest.mark.rules("R17")
def test_silence_past_the_heartbeat_and_five_seconds_is_a_lost_connection() -> None:
    stage = Stage()
    stage.connect()
    stage.advance(HEARTBEAT_S + 4.9)
    assert stage.core.link.state == "connected"

    stage.advance(0.2)

    assert stage.changes[-1].cause == "silent"
    assert stage.hung_up()[:1] == [None]

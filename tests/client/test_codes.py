"""What the SDK makes of each code."""

import pytest

from arqonbus.client import errors
from arqonbus.client.codes import ERROR_CLASSES, REPEATABLE, after_close, error_of, error_of_close
from arqonbus.protocol import codes
from arqonbus.protocol.payloads import COMMANDS


@pytest.mark.rules("R52")
def test_every_code_of_the_protocol_has_a_class() -> None:
    assert set(ERROR_CLASSES) == set(codes.ERRORS)


@pytest.mark.rules("R52")
@pytest.mark.parametrize("code", codes.ERRORS)
def test_an_error_keeps_what_the_server_said(code: str) -> None:
    error = error_of(code, "words", retryable=codes.ERRORS[code].retryable, details={"n": 1})

    assert type(error) is ERROR_CLASSES[code]
    assert error.code == ("outcome_unknown" if code == "timeout" else code)
    assert (error.message, error.details) == ("words", {"n": 1})
    assert error.retryable == codes.ERRORS[code].retryable


@pytest.mark.rules("R52")
def test_a_code_that_is_not_known_goes_by_whether_it_is_retryable() -> None:
    assert type(error_of("new_word", "", retryable=True)) is errors.TryLater
    assert type(error_of("new_word", "", retryable=False)) is errors.Rejected


@pytest.mark.rules("R52")
def test_to_wait_is_in_seconds_where_the_server_says_it() -> None:
    assert error_of("rate_limited", "", details={"retry_after_ms": 1500}).retry_after_s == 1.5  # type: ignore[attr-defined]
    assert errors.TryLater("").retry_after_s is None


@pytest.mark.rules("R14")
@pytest.mark.parametrize(
    ("code", "what"),
    [
        (1000, "stop"),
        (1001, "back_off"),
        (1006, "back_off"),
        (4000, "at_once"),
        (4001, "new_token"),
        (4100, "back_off"),
        (4501, "other_token"),
        (4502, "stop"),
        (4777, "stop"),
        (3999, "back_off"),
    ],
)
def test_what_follows_a_close(code: int, what: str) -> None:
    assert after_close(code) == what


@pytest.mark.rules("R3")
def test_the_error_of_a_close_says_what_it_means() -> None:
    kicked = error_of_close(codes.KICKED, "spam")
    unknown = error_of_close(4777, "")

    assert isinstance(kicked, errors.BusClosed)
    assert kicked.message == "closed with 4503, an administrator ended the connection: spam"
    assert kicked.details == {"close_code": 4503}
    assert unknown.message == "closed with 4777, the server wants no more"
    assert error_of_close(codes.FORBIDDEN, "").code == "forbidden"
    assert error_of_close(codes.UNAUTHENTICATED, "").code == "unauthenticated"


@pytest.mark.rules("R25")
def test_every_command_is_either_repeatable_or_known_not_to_be() -> None:
    not_repeatable = {"create_channel", "delete_channel", "delete_group", "kick", "ack", "refresh_token"}
    of_the_sdk_itself = {"connect", "join_channel", "leave_channel", "set_will"}

    assert set(COMMANDS) <= REPEATABLE | not_repeatable | of_the_sdk_itself
    assert not REPEATABLE & not_repeatable

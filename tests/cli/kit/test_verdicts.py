"""What errors of the SDK mean to a shell."""

import pytest

from arqonbus.cli.kit.verdicts import failure_of
from arqonbus.client import errors
from arqonbus.client.codes import error_of_close
from arqonbus.client.errors import BusClosed, CannotConnect, ClientError

EXITS = {
    "CannotConnect": 3, "NotConnected": 3, "Unauthorized": 4, "Denied": 4, "Expired": 5, "OutcomeUnknown": 5,
    "NoResponder": 5, "SlowReader": 7, "Rejected": 6, "InvalidRequest": 6, "NotFound": 6, "Conflict": 6,
    "LimitReached": 6, "TryLater": 6, "ServerFault": 6, "RequestFailed": 6, "SubscriptionEnded": 6,
    "ClientError": 1, "BusClosed": 1, "OutboxFull": 1, "DecodeError": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name != "ReplyError"])
def test_every_error_has_its_exit_code(name: str) -> None:
    assert failure_of(getattr(errors, name)("said")).exit == EXITS[name]


def test_what_ended_a_bus_counts_and_not_that_it_ended() -> None:
    error = BusClosed("the bus is over")
    error.__cause__ = errors.Unauthorized("kicked", code="kicked")

    failure = failure_of(error)

    assert (failure.exit, failure.code) == (4, "kicked")


def test_a_refused_connection_is_told_in_words() -> None:
    error = CannotConnect("[Errno 111] Connect call failed ('127.0.0.1', 1)")

    failure = failure_of(error, "ws://127.0.0.1:1/")

    assert failure.message == "cannot connect to ws://127.0.0.1:1/: connection refused"
    assert failure.hint == "is the server running? try: arqonbus run"


def test_other_errors_keep_their_words_their_code_and_their_hint() -> None:
    failure = failure_of(ClientError("odd", code="odd_thing"))

    assert (failure.message, failure.code, failure.hint) == ("odd (odd_thing)", "odd_thing", "")


@pytest.mark.parametrize(("code", "exit"), [(4503, 4), (4501, 4), (1009, 1), (4500, 1)])
def test_who_was_sent_away_was_refused(code: int, exit: int) -> None:
    failure = failure_of(error_of_close(code, "said"))

    assert (failure.exit, failure.hint.count("connect()")) == (exit, 0)

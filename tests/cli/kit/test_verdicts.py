"""What errors of the SDK mean to a shell."""

import socket
import ssl

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


def caused(cause: Exception) -> CannotConnect:
    error = CannotConnect(str(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "why", "hint"),
    [
        (CannotConnect("[Errno 111] Connect call failed ('127.0.0.1', 1)"), "connection refused", "arqonbus run"),
        (caused(ConnectionRefusedError()), "connection refused", "arqonbus run"),
        (caused(socket.gaierror(-2, "Name or service not known")), "name or service not known", "name of the host"),
        (caused(ssl.SSLError(1, "wrong version")), "TLS failed", "ws://"),
        (caused(ValueError("server rejected WebSocket connection: HTTP 404")), "HTTP 404", "path"),
        (CannotConnect("no session within 2 s of the dial"), "no session within 2 s", "check the address"),
    ],
)
def test_why_there_is_no_connection_is_told_in_words_with_what_to_do(error: CannotConnect, why: str, hint: str) -> None:
    failure = failure_of(error, "ws://127.0.0.1:1/")

    assert failure.message.startswith("cannot connect to ws://127.0.0.1:1/: ")
    assert why in failure.message
    assert hint in failure.hint


def test_other_errors_keep_their_words_their_code_and_their_hint() -> None:
    failure = failure_of(ClientError("odd", code="odd_thing"))

    assert (failure.message, failure.code, failure.hint) == ("odd (odd_thing)", "odd_thing", "")


@pytest.mark.parametrize(("code", "exit"), [(4503, 4), (4501, 4), (1009, 1), (4500, 1)])
def test_who_was_sent_away_was_refused(code: int, exit: int) -> None:
    failure = failure_of(error_of_close(code, "said"))

    assert (failure.exit, failure.hint.count("connect()")) == (exit, 0)

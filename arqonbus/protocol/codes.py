"""Error codes and close codes of the wire: one table each, for the server, clients and documents.

Codes are never reused for another meaning. Ranges are part of the contract: a client that meets a code it does not
know behaves as the code's range says. The exception classes for the error codes are in `arqonbus.errors`; a test
keeps both in step.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct

__all__ = [
    "CLOSE_CODES",
    "DRAIN_OVER",
    "ERRORS",
    "FORBIDDEN",
    "GOING_AWAY",
    "INTERNAL_ERROR",
    "INVALID_ENVELOPES",
    "KICKED",
    "LOAD_RANGE",
    "NORMAL",
    "NOT_TEXT",
    "NOT_UTF8",
    "NO_CLOSE_FRAME",
    "NO_PONG",
    "PROTOCOL_ERROR",
    "RATE_LIMITED",
    "REPLACED",
    "SERVICE_RESTART",
    "SESSION_RANGE",
    "SLOW_CONSUMER",
    "TERMINAL_RANGE",
    "TOKEN_EXPIRED",
    "TOO_BIG",
    "TOO_MANY_CONNECTIONS",
    "TRY_AGAIN_LATER",
    "UNAUTHENTICATED",
    "CloseCode",
    "ErrorCode",
    "Reconnect",
    "reconnect_after",
]

Reconnect = Literal["at_once", "back_off", "never"]
"""What a client does after a close: connects again at once, with growing random delays, or not at all."""

SESSION_RANGE: Final = range(4000, 4100)
LOAD_RANGE: Final = range(4100, 4200)
TERMINAL_RANGE: Final = range(4500, 5000)

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
NOT_TEXT: Final = 1003
NO_CLOSE_FRAME: Final = 1006  # never on the wire: the connection ended without a close frame
NOT_UTF8: Final = 1007
TOO_BIG: Final = 1009
INTERNAL_ERROR: Final = 1011
SERVICE_RESTART: Final = 1012
TRY_AGAIN_LATER: Final = 1013
DRAIN_OVER: Final = 4000
TOKEN_EXPIRED: Final = 4001
SLOW_CONSUMER: Final = 4100
RATE_LIMITED: Final = 4101
TOO_MANY_CONNECTIONS: Final = 4102
NO_PONG: Final = 4103
INVALID_ENVELOPES: Final = 4500
UNAUTHENTICATED: Final = 4501
FORBIDDEN: Final = 4502
KICKED: Final = 4503
REPLACED: Final = 4504


class ErrorCode(Struct, frozen=True):
    """One row of the error table."""

    code: str  # the word on the wire
    when: str  # when it is sent, in words
    retryable: bool  # True: the same request may succeed later


class CloseCode(Struct, frozen=True):
    """One row of the table of close codes."""

    code: int  # RFC 6455, section 7.4; 4000 and above are ours
    meaning: str  # why the connection ends, in words
    reconnect: Reconnect  # what a client does next


def _by_code(rows: Iterable[tuple[str, str, bool]]) -> Mapping[str, ErrorCode]:
    return MappingProxyType({row[0]: ErrorCode(*row) for row in rows})


def _by_number(rows: Iterable[tuple[int, str, Reconnect]]) -> Mapping[int, CloseCode]:
    return MappingProxyType({row[0]: CloseCode(*row) for row in rows})


ERRORS: Final = _by_code(
    (
        ("invalid_json", "the text is not JSON, or nested too deeply", False),
        ("invalid_envelope", "a field of the envelope is wrong, missing or unknown", False),
        ("unsupported_version", "the envelope is of another major version", False),
        ("unknown_type", "the type is missing or is none that a client may send", False),
        ("unknown_command", "there is no command of that name", False),
        ("invalid_args", "the args of a command are wrong", False),
        ("unauthenticated", "the credentials are missing or not valid", False),
        ("forbidden", "this client may not do this", False),
        ("not_found", "what was named does not exist", False),
        ("already_exists", "what was to be made exists already", False),
        ("conflict", "the state of the thing named does not allow this", False),
        ("too_large", "one thing is larger than its bound", False),
        ("limit_exceeded", "there would be more things than their bound", False),
        ("rate_limited", "too much in too short a time; details.retry_after_ms says how long to wait", True),
        ("unavailable", "something that is needed for this does not work at the moment", True),
        ("timeout", "the answer did not come in time; whether it was done is not known", True),
        ("overloaded", "the server has too much to do; nothing was done", True),
        ("internal", "a fault of the server; details.trace_id finds it in the logs", True),
    )
)
"""Every error code, by its word."""

CLOSE_CODES: Final = _by_number(
    (
        (NORMAL, "normal end", "never"),
        (GOING_AWAY, "the server goes away", "back_off"),
        (PROTOCOL_ERROR, "the peer broke the WebSocket protocol", "never"),
        (NOT_TEXT, "a binary message came; only text is understood", "never"),
        (NOT_UTF8, "the text is not UTF-8", "never"),
        (TOO_BIG, "the message is larger than max_message_bytes", "never"),
        (INTERNAL_ERROR, "a fault of the server", "back_off"),
        (SERVICE_RESTART, "the server restarts", "back_off"),
        (TRY_AGAIN_LATER, "the server cannot serve now", "back_off"),
        (DRAIN_OVER, "the drain is over", "at_once"),
        (TOKEN_EXPIRED, "the token expired; come back with a new one", "at_once"),
        (SLOW_CONSUMER, "the client reads too slowly", "back_off"),
        (RATE_LIMITED, "the client sends too much", "back_off"),
        (TOO_MANY_CONNECTIONS, "the server has as many connections as it may", "back_off"),
        (NO_PONG, "the client did not answer a ping in time", "back_off"),
        (INVALID_ENVELOPES, "too many invalid envelopes", "never"),
        (UNAUTHENTICATED, "the credentials are missing or not valid", "never"),
        (FORBIDDEN, "this client may not connect", "never"),
        (KICKED, "an administrator ended the connection", "never"),
        (REPLACED, "another connection took the place of this one", "never"),
    )
)
"""Every close code that the server sends, by its number."""


def reconnect_after(code: int) -> Reconnect:
    """Say what a client does after a close with this code, known or not.

    A code outside the table and the ranges, 1006 among them, means that the network or a proxy ended the connection:
    back off and come again.
    """
    known = CLOSE_CODES.get(code)
    if known is not None:
        return known.reconnect
    if code in SESSION_RANGE:
        return "at_once"
    return "never" if code in TERMINAL_RANGE else "back_off"

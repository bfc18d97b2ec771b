"""What the SDK does about each code: the class of an error, and what follows a close. Rules R14 and R52.

The codes themselves are the tables of `arqonbus.protocol.codes`, which the server reads too.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from arqonbus.client.errors import (
    BusClosed,
    ClientError,
    Conflict,
    Denied,
    InvalidRequest,
    LimitReached,
    NotFound,
    OutcomeUnknown,
    Rejected,
    ServerFault,
    TryLater,
    Unauthorized,
)
from arqonbus.protocol import codes

__all__ = ["ERROR_CLASSES", "REPEATABLE", "AfterClose", "after_close", "error_of", "error_of_close"]

AfterClose: TypeAlias = Literal["stop", "back_off", "at_once", "new_token", "other_token"]
"""What follows a close: nothing more; a dial after a growing random delay; a dial at once; that with a new token; that
if the token function has another token."""

ERROR_CLASSES: Final[Mapping[str, type[ClientError]]] = MappingProxyType(
    {
        "invalid_json": InvalidRequest,
        "invalid_envelope": InvalidRequest,
        "unsupported_version": InvalidRequest,
        "unknown_type": InvalidRequest,
        "unknown_command": InvalidRequest,
        "invalid_args": InvalidRequest,
        "too_large": InvalidRequest,
        "unauthenticated": Denied,
        "forbidden": Denied,
        "not_found": NotFound,
        "already_exists": Conflict,
        "conflict": Conflict,
        "limit_exceeded": LimitReached,
        "rate_limited": TryLater,
        "unavailable": TryLater,
        "overloaded": TryLater,
        "timeout": OutcomeUnknown,
        "internal": ServerFault,
    }
)
"""The class for each error code of the protocol."""

REPEATABLE: Final = frozenset(
    {
        "ping",
        "status",
        "help",
        "whoami",
        "set_profile",
        "list_rooms",
        "list_channels",
        "channel_info",
        "members",
        "history",
        "group_info",
        "explain",
    }
)
"""Commands that may be sent again when the connection was lost before the answer: twice is as good as once."""


def error_of(
    code: str, message: str, *, retryable: bool = False, details: Mapping[str, Any] | None = None
) -> ClientError:
    """Make the error for what the server refused. A code that is not known goes by its `retryable`."""
    kind = ERROR_CLASSES.get(code) or (TryLater if retryable else Rejected)
    own = "outcome_unknown" if kind is OutcomeUnknown else code
    return kind(message, code=own, retryable=retryable, details=details)


def error_of_close(code: int, said: str) -> ClientError:
    """Make the error of a bus that a close has ended.

    Args:
        code: of the close
        said: the words of the server; empty: it said none
    """
    meaning = codes.CLOSE_CODES[code].meaning if code in codes.CLOSE_CODES else "the server wants no more"
    words = f"closed with {code}, {meaning}" + (f": {said}" if said else "")
    if code in (codes.UNAUTHENTICATED, codes.FORBIDDEN, codes.TOKEN_EXPIRED):
        return Unauthorized(words, code="forbidden" if code == codes.FORBIDDEN else None)
    return BusClosed(words, details={"close_code": code})


def after_close(code: int) -> AfterClose:
    """Say what follows a close with this code, 1006 for an end without one."""
    if code == codes.TOKEN_EXPIRED:
        return "new_token"
    if code == codes.UNAUTHENTICATED:
        return "other_token"
    reconnect = codes.reconnect_after(code)
    return "stop" if reconnect == "never" else reconnect

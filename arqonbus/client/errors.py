"""Errors of the SDK: one tree, a class for each decision that a caller can take. Rule R52 of docs/sdk-spec.md.

    ArqonError
     +- ClientError              root of this tree
         +- CannotConnect        no session in time: look at the address and the server
         +- Unauthorized         these credentials do not open the bus: get others
         +- BusClosed            the bus is over: make a new one
         +- NotConnected         away, and the call did not want to wait
         +- OutboxFull           too much waits to be sent: slow down
         +- Expired              never sent: send again if you like
         +- OutcomeUnknown       may be done or not: look before you send again
         +- Rejected             the server said no; reads its code
         |   +- InvalidRequest, Denied, NotFound, Conflict, LimitReached, TryLater, ServerFault
         +- NoResponder          nobody is there to answer
         +- RequestFailed        who answered says that it failed
         +- DecodeError          a payload is not what the reader asked for
         +- SubscriptionEnded    the channel is gone
         +- SlowReader           the reader's queue was full, with the policy `error`

`ReplyError` is what a handler raises to answer with an error.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from arqonbus.errors import ArqonError

__all__ = [
    "BusClosed",
    "CannotConnect",
    "ClientError",
    "Conflict",
    "DecodeError",
    "Denied",
    "Expired",
    "InvalidRequest",
    "LimitReached",
    "NoResponder",
    "NotConnected",
    "NotFound",
    "OutboxFull",
    "OutcomeUnknown",
    "Rejected",
    "ReplyError",
    "RequestFailed",
    "ServerFault",
    "SlowReader",
    "SubscriptionEnded",
    "TryLater",
    "Unauthorized",
]


class ClientError(ArqonError):
    """Root of every error that the SDK raises on purpose.

    Attributes:
        code: a word for programs; of the server where the server refused
        message: what happened; lower case, no secret
        hint: what to do about it
        retryable: True: the same call may succeed later, unchanged
        details: what the server added, JSON types only; usually empty
    """

    code: str = "client_error"
    hint: str = ""
    retryable: bool = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retryable: bool | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep what happened; what is not given is as the class says."""
        super().__init__(message)
        self.message = message
        self.code = type(self).code if code is None else code
        self.retryable = type(self).retryable if retryable is None else retryable
        self.details: dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.message} ({self.code}; {self.hint})" if self.hint else f"{self.message} ({self.code})"


class CannotConnect(ClientError):
    """No session in the time that the caller gives. The cause is that of the last dial."""

    code = "cannot_connect"
    hint = "check the address, and that the server runs"
    retryable = True


class Unauthorized(ClientError):
    """The server does not let these credentials in. A token function raises it to close the bus."""

    code = "unauthenticated"
    hint = "connect with other credentials"


class BusClosed(ClientError):
    """The bus is over. The cause, if there is one, is the error that ended it."""

    code = "closed"
    hint = "make a new bus with connect()"


class NotConnected(ClientError):
    """The bus is away, and the call was made with when_offline="reject"."""

    code = "not_connected"
    hint = 'wait until the bus is connected, or queue with when_offline="queue"'
    retryable = True


class OutboxFull(ClientError):
    """So much waits to be sent that this message was not taken."""

    code = "outbox_full"
    hint = "send less, or raise outbox_messages and outbox_bytes"
    retryable = True


class Expired(ClientError):
    """The message waited too long and was never sent: nothing was done."""

    code = "expired"
    hint = "nothing was done; send it again if it still matters"
    retryable = True


class OutcomeUnknown(ClientError):
    """The message was sent, but the answer did not come: it may be done or not."""

    code = "outcome_unknown"
    hint = "it may be done; look before you send it again"


class Rejected(ClientError):
    """The server refused; `code` is one of its own, `message` its words."""

    code = "rejected"
    hint = "read the code"


class InvalidRequest(Rejected):
    """The call itself is wrong, whatever the time and the rights."""

    code = "invalid_args"
    hint = "mend the call"


class Denied(Rejected):
    """This client may not do this."""

    code = "forbidden"
    hint = "ask for the permission, or connect with other credentials"


class NotFound(Rejected):
    """What was named does not exist."""

    code = "not_found"
    hint = "create it, or check the name"


class Conflict(Rejected):
    """The state of the thing named does not allow this now."""

    code = "conflict"
    hint = "look at its state first"


class LimitReached(Rejected):
    """There would be more things than the server allows."""

    code = "limit_exceeded"
    hint = "give something up first"


class TryLater(Rejected):
    """Not now: too much, too fast, or something that is needed does not work at the moment."""

    code = "unavailable"
    hint = "wait, then try again"
    retryable = True

    @property
    def retry_after_s(self) -> float | None:
        """Seconds to wait, if the server says so."""
        value = self.details.get("retry_after_ms")
        return value / 1000 if isinstance(value, int | float) else None


class ServerFault(Rejected):
    """A fault of the server; `details["trace_id"]` finds it in its logs."""

    code = "internal"
    hint = "report the trace_id to whoever runs the server"
    retryable = True


class NoResponder(ClientError):
    """Nobody is there who could answer the request."""

    code = "no_responder"
    hint = "start a responder, or check the address"
    retryable = True


class RequestFailed(ClientError):
    """Who answered the request says that it failed; `code` is the responder's."""

    code = "handler_failed"
    hint = "look at the responder"


class DecodeError(ClientError):
    """A payload is not of the type that the reader asked for."""

    code = "decode"
    hint = "check the type, or what the sender sends"


class SubscriptionEnded(ClientError):
    """The channel is gone; `code` says why: `deleted` or `failed`."""

    code = "deleted"
    hint = "subscribe again if the channel is made anew"


class SlowReader(ClientError):
    """The queue of the handle was full, and its policy is `error`."""

    code = "slow_reader"
    hint = "read faster, or take another policy for a full queue"


class ReplyError(Exception):
    """What a handler of requests raises to answer with an error of its own.

    Args:
        code: a word for programs, 1 to 64 characters
        message: for people; the one who asked reads it
    """

    default_code: ClassVar[str] = "handler_failed"

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message

"""Errors of ArqonBus: one tree, a class for each decision that a caller can take.

    ArqonError
     +- ConfigError            the configuration is wrong; whoever starts the server mends it
     +- InternalError          our fault: an invariant is broken
     +- StorageError           the outside's fault: a store could not do its work
     +- ListenError            (transport.errors) an address or a TLS file is no good; the starter mends it
     +- Refusal                something a client asked for is refused; the client reads the code
         +- InvalidJson, InvalidEnvelope, UnsupportedVersion, UnknownType, UnknownCommand, InvalidArgs
         +- Unauthenticated, Forbidden
         +- NotFound, AlreadyExists, Conflict
         +- TooLarge, LimitExceeded
         +- RateLimited, Unavailable, Timeout, Overloaded
         +- Internal

This module imports nothing of ours. The same codes in words, for documents and clients, are the table ERRORS of
`arqonbus.protocol.codes`; a test keeps the two in step. The actor kernel has a tree of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

__all__ = [
    "AlreadyExists",
    "ArqonError",
    "ConfigError",
    "Conflict",
    "Forbidden",
    "Internal",
    "InternalError",
    "InvalidArgs",
    "InvalidEnvelope",
    "InvalidJson",
    "LimitExceeded",
    "NotFound",
    "Overloaded",
    "RateLimited",
    "Refusal",
    "StorageError",
    "Timeout",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "UnknownCommand",
    "UnknownType",
    "UnsupportedVersion",
]


class ArqonError(Exception):
    """Root of every error that ArqonBus raises on purpose, save the kernel's own."""


class ConfigError(ArqonError):
    """The configuration is wrong. Tells every problem at once, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep the problems.

        Args:
            problems: at least one; each says where, what was expected and what was found
        """
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class InternalError(ArqonError):
    """An invariant of ours is broken. Never the fault of a client or of the outside."""


class StorageError(ArqonError):
    """A store could not do what was asked: not reachable, full, or it answered nonsense."""


class Refusal(ArqonError):
    """Something that a client asked for is refused; becomes one error response on the wire.

    Raise a subclass, never this class itself: it has no code of its own.
    """

    code: ClassVar[str]  # the wire code, a word of the public contract
    retryable: ClassVar[bool] = False  # True: the same request may succeed later, unchanged

    def __init__(
        self, message: str, *, details: Mapping[str, Any] | None = None, request_id: str | None = None
    ) -> None:
        """Keep what the client will be told.

        Args:
            message: what was expected, what came and where; lower case, no full stop, no secret
            details: machine-readable additions, JSON types only; None: none
            request_id: the id of the refused message; None: it had none, or it is not known here
        """
        super().__init__(message)
        self.message = message
        self.details = None if details is None else dict(details)
        self.request_id = request_id


class InvalidJson(Refusal):
    """The text is not JSON, or nested too deeply."""

    code = "invalid_json"


class InvalidEnvelope(Refusal):
    """The text is JSON but no envelope: a field is wrong, missing or unknown."""

    code = "invalid_envelope"


class UnsupportedVersion(Refusal):
    """The envelope is of another major version of the protocol."""

    code = "unsupported_version"


class UnknownType(Refusal):
    """The type of the envelope is missing or is none that a client may send."""

    code = "unknown_type"


class UnknownCommand(Refusal):
    """There is no command of that name."""

    code = "unknown_command"


class InvalidArgs(Refusal):
    """The args of a command are wrong."""

    code = "invalid_args"


class Unauthenticated(Refusal):
    """It is not known who the client is, or what it showed is not valid."""

    code = "unauthenticated"


class Forbidden(Refusal):
    """It is known who the client is, and that it may not do this."""

    code = "forbidden"


class NotFound(Refusal):
    """What was named does not exist."""

    code = "not_found"


class AlreadyExists(Refusal):
    """What was to be made exists already."""

    code = "already_exists"


class Conflict(Refusal):
    """The state of the thing named does not allow this now."""

    code = "conflict"


class TooLarge(Refusal):
    """One thing is larger than its bound."""

    code = "too_large"


class LimitExceeded(Refusal):
    """There are more things than their bound."""

    code = "limit_exceeded"


class RateLimited(Refusal):
    """Too much in too short a time; `details` holds retry_after_ms."""

    code = "rate_limited"
    retryable = True


class Unavailable(Refusal):
    """Something that is needed for this does not work at the moment."""

    code = "unavailable"
    retryable = True


class Timeout(Refusal):
    """The answer did not come in time; whether it was done is not known."""

    code = "timeout"
    retryable = True


class Overloaded(Refusal):
    """The server has too much to do; nothing was done."""

    code = "overloaded"
    retryable = True


class Internal(Refusal):
    """Our fault; `details` holds trace_id, which finds the cause in the logs."""

    code = "internal"
    retryable = True

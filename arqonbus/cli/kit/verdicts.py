"""Verdicts: what an error of the SDK means to a shell, and what the person could do."""

import errno
import socket
import ssl

from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure
from arqonbus.client.errors import (
    BusClosed,
    CannotConnect,
    ClientError,
    Denied,
    Expired,
    NoResponder,
    NotConnected,
    OutcomeUnknown,
    Rejected,
    RequestFailed,
    SlowReader,
    SubscriptionEnded,
    Unauthorized,
)
from arqonbus.protocol import codes

__all__ = ["failure_of"]

_EXITS: tuple[tuple[tuple[type[ClientError], ...], Exit], ...] = (
    ((CannotConnect, NotConnected), Exit.UNREACHABLE),
    ((Unauthorized, Denied), Exit.REFUSED),
    ((Expired, OutcomeUnknown, NoResponder), Exit.TIMEOUT),
    ((SlowReader,), Exit.LOSS),
    ((Rejected, RequestFailed, SubscriptionEnded), Exit.REJECTED),
)
"""The first row that fits counts."""

_SENT_AWAY = frozenset({codes.FORBIDDEN, codes.KICKED, codes.UNAUTHENTICATED})


def failure_of(error: ClientError, url: str = "") -> Failure:
    """Turn an error of the SDK into the end of a command.

    Args:
        error: what was raised
        url: of the server, for an error about the connection
    """
    if isinstance(error, BusClosed) and isinstance(error.__cause__, ClientError):
        error = error.__cause__
    exit = next((exit for kinds, exit in _EXITS if isinstance(error, kinds)), Exit.FAILED)
    if isinstance(error, CannotConnect):
        why, hint = _why(error)
        return Failure(exit, f"cannot connect to {url or 'the server'}: {why}", hint=hint, code=error.code)
    if isinstance(error, Unauthorized):
        hint = "give a token of this server: --token-file FILE, or ARQONBUS_TOKEN"
        return Failure(exit, f"the server does not let you in: {error.message}", hint=hint, code=error.code)
    if isinstance(error, BusClosed):
        # The hint of the SDK is about its functions.
        exit = Exit.REFUSED if error.details.get("close_code") in _SENT_AWAY else exit
        return Failure(exit, error.message, code=error.code)
    return Failure(exit, f"{error.message} ({error.code})", hint=error.hint, code=error.code)


def _why(error: CannotConnect) -> tuple[str, str]:
    """Say why there is no connection, and what to do about it, by the error that lies deepest."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    text = str(cause)
    if isinstance(cause, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in text:
        return "connection refused", "is the server running? try: arqonbus run"
    if isinstance(cause, socket.gaierror):
        return (cause.strerror or text).lower(), "check the name of the host"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}", "SSL_CERT_FILE=ca.pem names whom to trust"
    if isinstance(cause, ssl.SSLError):
        return "TLS failed", "does the server speak TLS? if not: ws://"
    if "HTTP" in text:
        return text, "is this the address of a bus? look at the path, and at ws:// or wss://"
    return error.message, error.hint

"""TLS of the listener: files -> a server context, or one line that says which file is wrong and why."""

import ssl
from typing import Final, NoReturn

import msgspec

from arqonbus.transport.bind import ListenError

__all__ = ["Tls", "server_context"]

# Forward secret AEAD only: of what Python allows by default for TLS 1.2 this drops the CBC suites.
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


class Tls(msgspec.Struct, frozen=True):
    """Files of the listener's TLS, all PEM."""

    cert: str
    """The server's certificate, followed by the intermediate ones."""
    key: str = ""
    """Its private key, not encrypted; "": in the same file."""
    client_ca: str = ""
    """Authorities of client certificates; when given, a client without a certificate of theirs gets no connection."""


def server_context(tls: Tls) -> ssl.SSLContext:
    """Read the files. TLS 1.2 at least.

    Raises:
        ListenError: a file is missing, unreadable or not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_CIPHERS)
    try:
        _check_readable("server.tls_cert", tls.cert)
        if tls.key:
            _check_readable("server.tls_key", tls.key)
        context.load_cert_chain(tls.cert, tls.key or None, password=_no_password)
    except ssl.SSLError as error:
        why = (error.reason or "not PEM").lower().replace("_", " ")
        raise ListenError(
            f"server.tls_cert, server.tls_key: expected a PEM certificate and its key, got {tls.cert} and"
            f" {tls.key or 'no key file'} ({why})"
        ) from error
    if tls.client_ca:
        _require_clients(context, tls.client_ca)
    return context


def _require_clients(context: ssl.SSLContext, path: str) -> None:
    _check_readable("server.tls_client_ca", path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise ListenError(f"server.tls_client_ca: expected PEM certificates in {path}") from error
    context.verify_mode = ssl.CERT_REQUIRED


def _check_readable(setting: str, path: str) -> None:
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        raise ListenError(f"{setting}: cannot read {path}: {(error.strerror or 'unknown').lower()}") from error


def _no_password() -> NoReturn:
    # Without this, OpenSSL would ask at the terminal, and a service would hang there for ever.
    raise ListenError("server.tls_key: the key is encrypted; give one without a password and protect it by file mode")

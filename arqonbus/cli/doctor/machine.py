"""Machine: what a server needs of the machine and of its own files: open files, port, certificate."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from arqonbus.cli.kit.measures import Finding
from arqonbus.config import Settings

__all__ = ["check_access", "check_files", "check_port", "check_tls", "expiry"]

OTHER_FILES: Final = 64
"""Open files beside connections: log, listener, Redis, export."""

SOON_DAYS: Final = 14
"""A certificate that ends earlier is worth a warning: most are renewed 30 days before."""

LIMIT_S: Final = 3.0
"""For a server on this machine to say what it is."""


def check_files(settings: Settings) -> Finding:
    """Compare the limit of open files with the connections that are allowed."""
    if os.name != "posix":
        return Finding("files", "skipped", "this system has no limit of open files")
    import resource

    wanted = settings.limits.connections + OTHER_FILES
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return Finding("files", "ok", f"{'any number of' if soft < 0 else soft} open files are allowed")
    words = f"{soft} open files are allowed, limits.connections is {settings.limits.connections}"
    return Finding(
        "files",
        "warning",
        f"{words}: the bus runs out of files before it refuses a client",
        f"ulimit -n {wanted} (systemd: LimitNOFILE={wanted}), or limits.connections = {max(1, soft - OTHER_FILES)}",
    )


def check_access(settings: Settings) -> Finding:
    """Say who may connect."""
    host, auth = settings.server.host, settings.auth
    if not auth.anonymous:
        return Finding("access", "ok", f"{len(auth.keys)} keys, nobody without one")
    if host in ("localhost", "::1") or host.startswith("127."):
        return Finding("access", "ok", "everybody on this machine may connect, without a token")
    words = f"everybody who reaches {host}:{settings.server.port} may connect, without a token"
    return Finding("access", "warning", words, "set auth.keys, or server.host to 127.0.0.1")


def check_port(settings: Settings) -> tuple[Finding, bool]:
    """Say whether the port is free, has a bus, or something else. Gives also whether a bus is there."""
    server = settings.server
    where = f"{server.host}:{server.port}"
    if server.port == 0:
        return Finding("port", "ok", "any free one"), False
    try:
        _bind(server.host, server.port)
    except PermissionError:
        do = "take a port above 1023, or give the program CAP_NET_BIND_SERVICE"
        return Finding("port", "wrong", f"{where} may not be listened on by this user", do), False
    except OSError as error:
        version = _version_at(settings)
        if version is not None:
            return Finding("port", "ok", f"a bus is at {where}, version {version}"), True
        if isinstance(error, socket.gaierror) or error.errno == getattr(os, "EADDRNOTAVAIL", 99):
            words = f"{server.host} is no address of this machine"
            return Finding("port", "wrong", words, "set server.host to an address of it, or to 0.0.0.0"), False
        do = "stop what listens there (ss -ltnp names it), or set server.port"
        return Finding("port", "wrong", f"{where} is taken, and not by a bus", do), False
    return Finding("port", "ok", f"{where} is free"), False


def _bind(host: str, port: int) -> None:
    """Listen for a moment, as the server would. Raises OSError."""
    (family, kind, protocol, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    with socket.socket(family, kind, protocol) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen()


def _version_at(settings: Settings) -> str | None:
    """Ask for the version; None: no bus answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.server.host, settings.server.host)  # noqa: S104 - compared
    if settings.server.tls_cert:
        # Whose certificate it is does not matter here: nothing is sent that is worth hearing.
        context = ssl._create_unverified_context()  # noqa: S323
        client: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, settings.server.port, timeout=LIMIT_S, context=context
        )
    else:
        client = http.client.HTTPConnection(host, settings.server.port, timeout=LIMIT_S)
    try:
        client.request("GET", "/version")
        about = json.loads(client.getresponse().read(4096))
        return str(about["version"]) if "protocol" in about else None
    except (OSError, ValueError, TypeError, KeyError, http.client.HTTPException):
        return None
    finally:
        client.close()


def check_tls(settings: Settings, now: datetime | None = None) -> Finding:
    """Look at the server's own certificate: readable, with its key, and how long it is good."""
    server = settings.server
    if not server.tls_cert:
        return Finding("tls", "ok", "off")
    try:
        ends = expiry(server.tls_cert, server.tls_key)
    except ssl.SSLCertVerificationError as error:
        words = f"{server.tls_cert}: {error.verify_message or error}"
        return Finding("tls", "wrong", words, "renew the certificate, then reload the server (SIGHUP)")
    except (OSError, ValueError) as error:
        words = f"{server.tls_cert}: {getattr(error, 'strerror', None) or error}"
        return Finding(
            "tls", "wrong", words, "set server.tls_cert and server.tls_key to PEM files that belong together"
        )
    return judged(ends, server.tls_cert, now)


def judged(ends: datetime, whose: str, now: datetime | None = None) -> Finding:
    """Judge how long a certificate is good."""
    days = (ends - (now or datetime.now(UTC))).days
    words = f"the certificate of {whose} is good for {days} days, until {ends:%Y-%m-%d}"
    if days < SOON_DAYS:
        return Finding("tls", "warning", words, "renew it, and reload the server (SIGHUP)")
    return Finding("tls", "ok", words)


def expiry(certificate: str, key: str) -> datetime:
    """Say until when a certificate is good, by a handshake with itself: a key that does not fit is found, too.

    Args:
        certificate: PEM file, the server's own first
        key: PEM file

    Raises:
        ssl.SSLCertVerificationError: it is not good now
        OSError: a file cannot be read, is none, or the two do not belong together
    """
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificate, key)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    theirs.check_hostname = False
    theirs.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself is what is trusted
    theirs.load_verify_locations(certificate)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = ours.wrap_bio(to_server, to_client, server_side=True)
    client = theirs.wrap_bio(to_client, to_server)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return ends_at(client.getpeercert())


def ends_at(certificate: Mapping[str, object] | None) -> datetime:
    """Read the end of a certificate that a handshake showed. Raises ValueError: there is none."""
    if not certificate:
        raise ValueError("no certificate was shown")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)

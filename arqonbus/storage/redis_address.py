"""Address: where Redis is, as one URL says it. No I/O.

    redis://[user:password@]host[:port][/db]                    one server; rediss:// with TLS
    unix://[user:password@]/path.sock[?db=n]
    redis+sentinel://[user:password@]host[:port],host.../name[/db]    a primary found by Sentinels; rediss+sentinel://
    redis+cluster://[user:password@]host[:port],host...         a Redis Cluster; rediss+cluster://

Parameters: ``ssl_ca_certs``, ``ssl_certfile``, ``ssl_keyfile`` (paths), ``ssl_check_hostname`` (false: off),
``sentinel_username``, ``sentinel_password``.
"""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection

__all__ = ["Address", "Kind", "Where", "parse"]

Kind = Literal["single", "sentinel", "cluster"]
Where = tuple[str, int]
"""Host and port; for a Unix socket its path and 0."""

REDIS_PORT, SENTINEL_PORT = 6379, 26379

_KINDS: dict[str, tuple[Kind, bool]] = {
    "redis": ("single", False),
    "rediss": ("single", True),
    "unix": ("single", False),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}
_TLS_PARAMETERS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname")
_SENTINEL_PARAMETERS = ("sentinel_username", "sentinel_password")


class Address(Struct, frozen=True):
    """A URL, read. Never shown: it may hold a password."""

    kind: Kind
    hosts: tuple[Where, ...]  # the server; the Sentinels; some nodes of the cluster
    tls: dict[str, Any] | None  # arguments for TLS; None: plain
    credentials: dict[str, str]  # ``username``, ``password``, as far as given
    sentinel_credentials: dict[str, str]
    db: int = 0
    service: str = ""  # name of the primary, for Sentinels

    def __repr__(self) -> str:
        """Show where, never the credentials."""
        return f"Address({self.kind}, {' '.join(f'{host}:{port}' for host, port in self.hosts)})"

    def connection(self, where: Where, *, sentinel: bool = False, name: str = "") -> AbstractConnection:
        """Make a connection, not open yet, for a Wire.

        Args:
            where: of the server, or of a Sentinel.
            sentinel: whether it is a Sentinel.
            name: what CLIENT LIST shows.
        """
        # Without timeouts of its own: they would cost a task for each write; the wire has its own.
        arguments: dict[str, Any] = {
            "socket_timeout": None,
            "socket_connect_timeout": None,
            "protocol": 2,
            "driver_info": None,
            **(self.sentinel_credentials if sentinel else self.credentials),
        }
        if name:
            arguments["client_name"] = name
        if not sentinel:
            arguments["db"] = self.db
        host, port = where
        if not port:
            return UnixDomainSocketConnection(path=host, **arguments)
        if self.tls is not None:
            return SSLConnection(host=host, port=port, **self.tls, **arguments)
        return Connection(host=host, port=port, **arguments)


def parse(url: str) -> Address:
    """Read a URL. Raises ValueError, in words that never hold a secret."""
    parts = urlsplit(url)
    if parts.scheme not in _KINDS:
        raise ValueError(f"expected one of {', '.join(f'{scheme}://' for scheme in _KINDS)}")
    kind, is_tls = _KINDS[parts.scheme]
    parameters = _parameters(parts.query, is_tls, kind)
    authority, path = parts.netloc, parts.path
    login, _, hosts = authority.rpartition("@")
    where: tuple[Where, ...]
    if parts.scheme == "unix":
        where, db, service = ((unquote(path), 0),), _number(parameters.pop("db", "0"), "a database"), ""
        if not path:
            raise ValueError("expected the path of a socket")
    else:
        where = _hosts(hosts, SENTINEL_PORT if kind == "sentinel" else REDIS_PORT)
        service, db = _service_and_db(kind, path)
    if kind == "single" and len(where) > 1:
        raise ValueError("expected one host, or redis+sentinel:// or redis+cluster://")
    return Address(
        kind,
        where,
        _tls(parameters) if is_tls else None,
        _login(login),
        {key.removeprefix("sentinel_"): parameters[key] for key in _SENTINEL_PARAMETERS if key in parameters},
        db,
        service,
    )


def _parameters(query: str, is_tls: bool, kind: Kind) -> dict[str, str]:
    allowed = [*(_TLS_PARAMETERS if is_tls else ()), *(_SENTINEL_PARAMETERS if kind == "sentinel" else ()), "db"]
    found = dict(parse_qsl(query, keep_blank_values=True))
    unknown = [key for key in found if key not in allowed]
    if unknown:
        raise ValueError(f"expected no parameter but {', '.join(allowed)}, got {unknown[0][:40]}")
    return found


def _login(login: str) -> dict[str, str]:
    user, _, password = login.partition(":")
    named = {"username": unquote(user), "password": unquote(password)}
    return {key: value for key, value in named.items() if value}


def _hosts(text: str, default_port: int) -> tuple[Where, ...]:
    found = []
    for item in text.split(","):
        host, port = urlsplit(f"//{item}").hostname, _port(item)
        if not host:
            raise ValueError("expected host:port, more of them separated by commas")
        found.append((host, port or default_port))
    return tuple(found)


def _port(item: str) -> int | None:
    try:
        return urlsplit(f"//{item}").port
    except ValueError:
        raise ValueError("expected a port from 1 to 65535") from None


def _service_and_db(kind: Kind, path: str) -> tuple[str, int]:
    parts = [unquote(part) for part in path.split("/") if part]
    service = ""
    if kind == "sentinel":
        if not parts:
            raise ValueError("expected the name that the Sentinels know the primary by: redis+sentinel://host/name")
        service = parts.pop(0)
    db = _number(parts.pop(0), "a database") if parts else 0
    if parts or (kind == "cluster" and db):
        raise ValueError("expected no path, since a cluster has one database" if kind == "cluster" else "expected /db")
    return service, db


def _number(text: str, what: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"expected {what} as a number")
    return int(text)


def _tls(parameters: dict[str, str]) -> dict[str, Any]:
    """Certificates are always checked; only the name in them may be left out of it."""
    found: dict[str, Any] = {key: parameters[key] for key in _TLS_PARAMETERS[:3] if key in parameters}
    found["ssl_cert_reqs"] = "required"
    off = parameters.get("ssl_check_hostname", "").lower() in ("false", "0", "no", "off")
    found["ssl_check_hostname"] = not off
    return found

"""Rules that one key's type cannot say: formats of texts, and what must hold between keys.

A table of rules; ``load`` applies those whose keys are all right by themselves.
"""

import re
from collections import Counter
from collections.abc import Callable
from operator import attrgetter

from msgspec import Struct

from arqonbus.config.keys import show
from arqonbus.config.settings import Settings
from arqonbus.config.values import NAME

__all__ = ["RULES", "Rule"]

SYSTEM_NAME = re.compile(r"_[A-Za-z0-9._-]{0,63}")
"""A name of the server's own: begins with "_"; the rest as ``NAME``."""

_NAME_WORDS = "1 to 64 of A-Z a-z 0-9 . _ -"
_PATH = re.compile(r"/(?:(?![?#])[!-~])*")
_ENDPOINT = re.compile(r"https?://(?:(?!@)[!-~])+")  # who logs in goes into OTEL_EXPORTER_OTLP_HEADERS
_HOST = re.compile(r"[A-Za-z0-9._:%-]{1,255}")
_REDIS = re.compile(r"(?:rediss?(?:\+sentinel|\+cluster)?://[!-~]|unix://[!-~]*/[!-~])")
_PREFIX = re.compile(r"[A-Za-z0-9.:_-]{1,32}")
_RESERVED_PATHS = ("/health", "/ready", "/version", "/metrics")


class Rule(Struct, frozen=True):
    """One rule."""

    keys: tuple[str, ...]
    """The keys it is about; the first is the one to name when all have their defaults."""
    problem: Callable[[Settings], str | None]
    """Returns what is wrong in words, or None."""


def _matches(key: str, pattern: re.Pattern[str], expects: str, may_be_empty: bool = False) -> Rule:
    value_of = attrgetter(key)

    def problem(settings: Settings) -> str | None:
        value: str = value_of(settings)
        if pattern.fullmatch(value) or (may_be_empty and not value):
            return None
        return f"expected {expects}, got {show(value)}"

    return Rule((key,), problem)


def _at_most(lower: str, upper: str) -> Rule:
    lower_of, upper_of = attrgetter(lower), attrgetter(upper)

    def problem(settings: Settings) -> str | None:
        small, large = lower_of(settings), upper_of(settings)
        return None if small <= large else f"expected {lower} <= {upper}, got {small} and {large}"

    return Rule((lower, upper), problem)


def _needs(key: str, other: str) -> Rule:
    value_of, other_of = attrgetter(key), attrgetter(other)

    def problem(settings: Settings) -> str | None:
        return f"expected {other} to be set as well" if value_of(settings) and not other_of(settings) else None

    return Rule((key, other), problem)


def _path_is_free(settings: Settings) -> str | None:
    path = settings.server.path
    return f"expected a path of its own, got {path}, which answers plain HTTP" if path in _RESERVED_PATHS else None


def _idle_is_known(settings: Settings) -> str | None:
    idle_s = settings.channels.idle_s
    return f"expected -1 (never) or seconds from 0, got {idle_s}" if -1 < idle_s < 0 else None


def _predefined_rooms_fit(settings: Settings) -> str | None:
    n_rooms = len({channel.room for channel in settings.channels.predefined})
    limit = settings.limits.rooms
    return None if n_rooms <= limit else f"expected at most {limit} rooms (limits.rooms), got {n_rooms}"


def _predefined_channels_fit(settings: Settings) -> str | None:
    limit = settings.limits.channels_per_room
    for room, n_channels in Counter(channel.room for channel in settings.channels.predefined).most_common(1):
        if n_channels > limit:
            return f"expected at most {limit} channels a room (limits.channels_per_room), got {n_channels} in {room}"
    return None


def _redis_is_an_address(settings: Settings) -> str | None:
    """What came is never shown: it may hold a password. The server reads the rest of it."""
    url = settings.redis.url
    if not url or _REDIS.match(url):
        return None
    return "expected redis:// (or rediss://, with TLS) and a host, redis+sentinel:// or redis+cluster:// and hosts, or unix://"


def _admins_are_users(settings: Settings) -> str | None:
    unknown = sorted(set(settings.auth.admins) - settings.auth.keys.keys())
    return f"expected users of auth.keys, got {', '.join(show(user) for user in unknown)}" if unknown else None


def _workers_share_a_store(settings: Settings) -> str | None:
    n = settings.server.workers
    if n == 1 or settings.redis.url:
        return None
    return f"expected redis.url to be set as well: {n} workers without it would be {n} buses beside each other"


def _workers_share_no_unix_socket(settings: Settings) -> str | None:
    if settings.server.workers == 1 or not settings.server.unix_socket:
        return None
    return "expected no server.unix_socket: only one process can listen on it"


RULES: tuple[Rule, ...] = (
    _matches("server.host", _HOST, "an address or host name"),
    _matches("server.path", _PATH, 'a path that begins with "/", without "?" or "#"'),
    Rule(("server.path",), _path_is_free),
    _matches("server.name", NAME, f"{_NAME_WORDS}, the first a letter or digit, or nothing", may_be_empty=True),
    _needs("server.tls_cert", "server.tls_key"),
    _needs("server.tls_key", "server.tls_cert"),
    _needs("server.tls_client_ca", "server.tls_cert"),
    _at_most("server.drain_spread_s", "server.drain_timeout_s"),
    Rule(("channels.idle_s",), _idle_is_known),
    Rule(("channels.predefined", "limits.rooms"), _predefined_rooms_fit),
    Rule(("channels.predefined", "limits.channels_per_room"), _predefined_channels_fit),
    _at_most("limits.message_bytes", "limits.mailbox_bytes"),
    _at_most("limits.message_bytes", "limits.outbox_bytes"),
    _at_most("limits.outbox_soft_bytes", "limits.outbox_bytes"),
    Rule(("auth.admins", "auth.keys"), _admins_are_users),
    Rule(("redis.url",), _redis_is_an_address),
    Rule(("server.workers", "redis.url"), _workers_share_a_store),
    Rule(("server.workers", "server.unix_socket"), _workers_share_no_unix_socket),
    _matches("redis.prefix", _PREFIX, "1 to 32 of A-Z a-z 0-9 . : _ -"),
    _matches("telemetry.room", SYSTEM_NAME, f'a system name: "_" first, then {_NAME_WORDS}'),
    _matches("telemetry.endpoint", _ENDPOINT, "a URL of http or https without a user", may_be_empty=True),
    _matches("telemetry.channel", re.compile(f"{NAME.pattern}|{SYSTEM_NAME.pattern}"), f"a name: {_NAME_WORDS}"),
)
"""All rules, in the order of the documentation."""

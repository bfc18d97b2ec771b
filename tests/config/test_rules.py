"""Rules between keys, and formats of texts."""

import msgspec
import pytest

from arqonbus.config import Auth, Channels, Limits, Predefined, Redis, Server, Settings, Telemetry
from arqonbus.config.keys import all_keys
from arqonbus.config.rules import RULES


def broken(settings: Settings) -> list[str]:
    """Return what the rules say, each with its first key."""
    found = [(rule.keys[0], rule.problem(settings)) for rule in RULES]
    return [f"{key}: {words}" for key, words in found if words is not None]


def test_the_defaults_keep_every_rule() -> None:
    assert broken(Settings()) == []


def test_every_rule_is_about_keys_that_exist() -> None:
    assert {key for rule in RULES for key in rule.keys} <= set(all_keys())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(server=Server(tls_cert="c")), "server.tls_cert: expected server.tls_key to be set as well"),
        (
            Settings(auth=Auth(keys={"ann": "k"}, admins=("ann", "bob"))),
            'auth.admins: expected users of auth.keys, got "bob"',
        ),
        (Settings(server=Server(tls_key="k")), "server.tls_key: expected server.tls_cert to be set as well"),
        (
            Settings(server=Server(tls_client_ca="a")),
            "server.tls_client_ca: expected server.tls_cert to be set as well",
        ),
        (
            Settings(server=Server(drain_spread_s=11.0)),
            "server.drain_spread_s: expected server.drain_spread_s <= server.drain_timeout_s, got 11.0 and 10.0",
        ),
        (Settings(server=Server(host="")), 'server.host: expected an address or host name, got ""'),
        (
            Settings(server=Server(path="ws")),
            'server.path: expected a path that begins with "/", without "?" or "#", got "ws"',
        ),
        (
            Settings(server=Server(path="/health")),
            "server.path: expected a path of its own, got /health, which answers plain HTTP",
        ),
        (
            Settings(server=Server(name="a b")),
            'server.name: expected 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit, or nothing, got "a b"',
        ),
        (Settings(channels=Channels(idle_s=-0.5)), "channels.idle_s: expected -1 (never) or seconds from 0, got -0.5"),
        (
            Settings(limits=Limits(message_bytes=8_000_000, mailbox_bytes=4_194_304, outbox_bytes=8_000_000)),
            "limits.message_bytes: expected limits.message_bytes <= limits.mailbox_bytes, got 8000000 and 4194304",
        ),
        (
            Settings(limits=Limits(message_bytes=8_000_000, mailbox_bytes=8_000_000)),
            "limits.message_bytes: expected limits.message_bytes <= limits.outbox_bytes, got 8000000 and 4194304",
        ),
        (
            Settings(limits=Limits(outbox_soft_bytes=5_000_000)),
            "limits.outbox_soft_bytes: expected limits.outbox_soft_bytes <= limits.outbox_bytes, "
            "got 5000000 and 4194304",
        ),
        (
            Settings(redis=Redis(url="http://:hush@h")),
            "redis.url: expected redis:// (or rediss://, with TLS) and a host, redis+sentinel:// or redis+cluster:// "
            "and hosts, or unix://",
        ),
        (
            Settings(server=Server(workers=4)),
            "server.workers: expected redis.url to be set as well: 4 workers without it would be 4 buses beside each "
            "other",
        ),
        (
            Settings(server=Server(workers=2, unix_socket="/run/bus"), redis=Redis(url="redis://h")),
            "server.workers: expected no server.unix_socket: only one process can listen on it",
        ),
        (
            Settings(redis=Redis(prefix="{a}")),
            'redis.prefix: expected 1 to 32 of A-Z a-z 0-9 . : _ -, got "{a}"',
        ),
        (
            Settings(telemetry=Telemetry(room="telemetry")),
            'telemetry.room: expected a system name: "_" first, then 1 to 64 of A-Z a-z 0-9 . _ -, got "telemetry"',
        ),
        (
            Settings(telemetry=Telemetry(endpoint="http://me:secret@collector:4318")),
            'telemetry.endpoint: expected a URL of http or https without a user, got "http://me:secret@collector:4318"',
        ),
        (
            Settings(telemetry=Telemetry(channel="*")),
            'telemetry.channel: expected a name: 1 to 64 of A-Z a-z 0-9 . _ -, got "*"',
        ),
    ],
    ids=lambda value: value.partition(":")[0] if isinstance(value, str) else "",
)
def test_a_broken_rule_says_what_was_expected_and_what_came(settings: Settings, words: str) -> None:
    assert broken(settings) == [words]


@pytest.mark.parametrize("path", ["/", "/bus", "/a/b-c", "/%20"])
def test_a_path_begins_with_a_slash(path: str) -> None:
    assert broken(Settings(server=Server(path=path))) == []


@pytest.mark.parametrize("path", ["", "bus", "/a?b", "/a#b", "/a b", "/\n", "/é"])
def test_what_is_no_path_is_refused(path: str) -> None:
    assert len(broken(Settings(server=Server(path=path)))) == 1


@pytest.mark.parametrize("host", ["::1", "0.0.0.0", "fe80::1%eth0", "bus.example.com"])
def test_a_host_is_an_address_or_a_name(host: str) -> None:
    assert broken(Settings(server=Server(host=host))) == []


def test_idle_for_ever_and_not_at_all_are_allowed() -> None:
    assert broken(Settings(channels=Channels(idle_s=-1))) == []
    assert broken(Settings(channels=Channels(idle_s=0))) == []


def test_predefined_channels_fit_into_the_limits() -> None:
    predefined = tuple(Predefined(room=room, channel=channel) for room in "ab" for channel in "cd")
    settings = Settings(channels=Channels(predefined=predefined), limits=Limits(rooms=1, channels_per_room=1))

    assert broken(settings) == [
        "channels.predefined: expected at most 1 rooms (limits.rooms), got 2",
        "channels.predefined: expected at most 1 channels a room (limits.channels_per_room), got 2 in a",
    ]


def test_tls_with_client_certificates_is_whole_with_all_three_files() -> None:
    server = Server(tls_cert="c", tls_key="k", tls_client_ca="a")

    assert broken(msgspec.structs.replace(Settings(), server=server, auth=Auth(anonymous=False))) == []

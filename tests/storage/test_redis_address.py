"""URLs of Redis."""

from typing import Any

import pytest
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection

from arqonbus.storage.redis_address import parse


@pytest.mark.parametrize(
    ("url", "kind", "hosts"),
    [
        ("redis://localhost", "single", (("localhost", 6379),)),
        ("redis://10.0.0.1:7000/3", "single", (("10.0.0.1", 7000),)),
        ("redis://[::1]:7000", "single", (("::1", 7000),)),
        ("rediss://h", "single", (("h", 6379),)),
        ("unix:///run/redis.sock", "single", (("/run/redis.sock", 0),)),
        ("redis+sentinel://a,b:5000/main", "sentinel", (("a", 26379), ("b", 5000))),
        ("redis+cluster://a:7000,b:7001", "cluster", (("a", 7000), ("b", 7001))),
        ("rediss+cluster://a", "cluster", (("a", 6379),)),
    ],
)
def test_a_url_says_where(url: str, kind: str, hosts: tuple[tuple[str, int], ...]) -> None:
    address = parse(url)

    assert (address.kind, address.hosts) == (kind, hosts)
    assert (address.tls is not None) == url.startswith("rediss")


def test_database_and_service_stand_in_the_path() -> None:
    assert parse("redis://h/2").db == 2
    assert parse("unix:///s?db=4").db == 4
    address = parse("redis+sentinel://h/main/5")
    assert (address.service, address.db) == ("main", 5)


def test_credentials_are_unquoted_and_never_shown() -> None:
    url = "redis+sentinel://bob:p%40ss@h/main?sentinel_username=eve&sentinel_password=hush"
    address = parse(url)

    assert address.credentials == {"username": "bob", "password": "p@ss"}
    assert address.sentinel_credentials == {"username": "eve", "password": "hush"}
    assert "ss" not in repr(address).replace("Address", "")
    assert "hush" not in repr(address)


def test_a_password_may_stand_alone() -> None:
    assert parse("redis://:hush@h").credentials == {"password": "hush"}
    assert parse("redis://h").credentials == {}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://h", "expected one of redis://"),
        ("", "expected one of redis://"),
        ("redis://", "expected host:port"),
        ("redis://a,b", "expected one host"),
        ("redis://h:99999", "expected a port"),
        ("redis://h:x", "expected a port"),
        ("redis://h/x", "expected a database as a number"),
        ("redis://h/1/2", "expected /db"),
        ("redis+sentinel://h", "expected the name"),
        ("redis+cluster://h/1", "a cluster has one database"),
        ("unix://", "expected the path of a socket"),
        ("redis://h?socket_timeout=5", "expected no parameter but db, got socket_timeout"),
        ("redis://h?ssl_ca_certs=/x", "expected no parameter but db"),
    ],
)
def test_a_wrong_url_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(url)


def test_words_about_a_wrong_url_hold_no_secret() -> None:
    for url in ("http://u:hush@h", "redis://u:hush@h:x", "redis://u:hush@h/x", "redis://u:hush@"):
        with pytest.raises(ValueError) as caught:
            parse(url)
        assert "hush" not in str(caught.value)


def test_connections_are_made_as_the_url_says() -> None:
    plain: Any = parse("redis://bob:hush@h:7000/3").connection(("x", 1), name="arqonbus")
    assert isinstance(plain, Connection)
    assert (plain.host, plain.port, plain.db, plain.username, plain.password) == ("x", 1, 3, "bob", "hush")
    assert (plain.socket_timeout, plain.client_name) == (None, "arqonbus")
    assert isinstance(parse("unix:///s").connection(("/s", 0)), UnixDomainSocketConnection)


def test_certificates_are_always_checked() -> None:
    tls: Any = parse("rediss://h?ssl_ca_certs=/ca.pem").connection(("h", 1))
    assert isinstance(tls, SSLConnection)
    assert (tls.ca_certs, tls.check_hostname) == ("/ca.pem", True)
    nameless: Any = parse("rediss://h?ssl_check_hostname=false").connection(("h", 1))
    assert nameless.check_hostname is False
    assert nameless.cert_reqs.name == "CERT_REQUIRED"


def test_a_sentinel_has_credentials_of_its_own_and_no_database() -> None:
    address = parse("redis+sentinel://bob:hush@h/main/3")
    sentinel: Any = address.connection(("h", 26379), sentinel=True)

    assert (sentinel.username, sentinel.password, sentinel.db) == (None, None, 0)

"""One value against its key."""

import pytest

from arqonbus.config import Predefined
from arqonbus.config.keys import all_keys
from arqonbus.config.toml_lines import Path
from arqonbus.config.values import NAME, check, parse
from arqonbus.protocol.names import is_name, is_system

KEYS = all_keys()


def checked(name: str, value: object) -> tuple[object, list[tuple[Path, str]]]:
    """Return the value as its key's type, and the problems."""
    problems: list[tuple[Path, str]] = []
    return check(KEYS[name], value, lambda path, words: problems.append((path, words))), problems


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("server.port", " 8000 ", 8000),
        ("server.port", "1_000", 1000),
        ("server.port", "0x10", "0x10"),
        ("server.port", "9" * 5000, "9" * 5000),
        ("server.port", "٣", "٣"),
        ("server.heartbeat_s", "2.5", 2.5),
        ("server.heartbeat_s", "soon", "soon"),
        ("server.uvloop", "OFF", False),
        ("server.uvloop", "yes", True),
        ("server.uvloop", "maybe", "maybe"),
        ("server.host", " kept ", " kept "),
        ("server.origins", "https://a, https://b,", ["https://a", "https://b"]),
        ("server.origins", '["https://a"]', ["https://a"]),
        ("server.origins", "", []),
        ("server.origins", "[1,", "[1,"),
        ("channels.predefined", '[{"room": "a", "channel": "b"}]', [{"room": "a", "channel": "b"}]),
        ("channels.predefined", "a:b,c:d", ["a:b", "c:d"]),
        ("auth.keys", '{"a": "k"}', {"a": "k"}),
        ("auth.keys", "a=k", "a=k"),
        ("auth.keys", "", {}),
        ("auth.keys", "[" * 100_000, "[" * 100_000),
    ],
    ids=lambda value: str(value)[:20],
)
def test_text_is_read_by_the_kind_of_its_key(name: str, text: str, value: object) -> None:
    assert parse(KEYS[name], text) == value


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("server.port", "9100", 'expected a whole number from 0 to 65535, got "9100"'),
        ("server.port", True, "expected a whole number from 0 to 65535, got true"),
        ("server.port", 65536, "expected a whole number from 0 to 65535, got 65536"),
        ("server.port", -1, "expected a whole number from 0 to 65535, got -1"),
        ("server.port", 1.5, "expected a whole number from 0 to 65535, got 1.5"),
        ("server.port", None, "expected a whole number from 0 to 65535, got a NoneType"),
        ("server.pong_timeout_s", 0, "expected a number above 0, at most 86400, got 0"),
        ("server.pong_timeout_s", float("nan"), "expected a number above 0, at most 86400, got NaN"),
        ("server.pong_timeout_s", float("inf"), "expected a number above 0, at most 86400, got Infinity"),
        ("server.pong_timeout_s", 10**400, "expected a number above 0, at most 86400, got a whole number"),
        ("server.uvloop", 1, "expected true or false, got 1"),
        ("server.host", 1, "expected text, got 1"),
        ("log.level", "loud", 'expected one of "debug", "info", "warning", "error", got "loud"'),
        ("server.origins", "*", 'expected a list of texts, got "*"'),
        ("auth.keys", "hush", "expected a table of texts, got a text (***)"),
        ("redis.url", 3, "expected text, got a whole number (***)"),
        ("channels.predefined", {}, 'expected a list of "room:channel" texts or tables, got a table'),
    ],
    ids=lambda value: str(value)[:20] if not isinstance(value, int) else "int",
)
def test_a_wrong_value_says_what_was_expected_and_what_came(name: str, value: object, words: str) -> None:
    assert checked(name, value)[1] == [((), words)]


def test_a_whole_number_is_taken_for_a_number() -> None:
    value, problems = checked("server.heartbeat_s", 3)

    assert (value, type(value), problems) == (3.0, float, [])


@pytest.mark.parametrize("origin", ["*", "https://example.com", "http://localhost:3000", "http://[::1]:8", "app://x"])
def test_an_origin_is_a_scheme_and_a_host(origin: str) -> None:
    assert checked("server.origins", [origin]) == ((origin,), [])


@pytest.mark.parametrize(
    "origin", ["example.com", "https://a/", "https://a/b", "https://u@a", "HTTPS://a", "https://A", "", 3, "//a"]
)
def test_what_no_browser_sends_as_origin_is_refused(origin: object) -> None:
    _, problems = checked("server.origins", ["*", origin])

    assert [path for path, _ in problems] == [(1,)]


def test_keys_are_taken_as_they_are() -> None:
    assert checked("auth.keys", {"alice": "k-1", "bob": "k-2"}) == ({"alice": "k-1", "bob": "k-2"}, [])


@pytest.mark.parametrize("table", [{"alice": ""}, {"alice": "with space"}, {"alice": "é"}, {"alice": 7}, {"": "k"}])
def test_a_wrong_key_or_user_is_told_without_the_key(table: dict[str, object]) -> None:
    _, problems = checked("auth.keys", table)

    assert len(problems) == 1
    assert not any(str(token) in problems[0][1] for token in table.values() if token not in ("", "k", 7))


def test_two_users_with_the_same_key_are_refused() -> None:
    _, problems = checked("auth.keys", {"alice": "hush-hush", "bob": "hush-hush"})

    assert problems == [(("bob",), "the same key as alice; every user needs a key of their own")]


def test_a_predefined_channel_is_an_address_or_a_table() -> None:
    value, problems = checked("channels.predefined", ["a:b", {"room": "a", "channel": "c", "history_limit": 5}])

    assert problems == []
    assert value == (Predefined(room="a", channel="b"), Predefined(room="a", channel="c", history_limit=5))


@pytest.mark.parametrize(
    ("item", "path", "words"),
    [
        ("a", (), 'expected "room:channel" or a table with room and channel, got "a"'),
        ("a:b:c", (), 'expected "room:channel" or a table with room and channel, got "a:b:c"'),
        (3, (), 'expected "room:channel" or a table with room and channel, got 3'),
        ({"room": "a"}, (), "expected a table with room and channel, got one without channel"),
        ({"room": "a", "channel": "b", "histroy_limit": 1}, ("histroy_limit",), "did you mean history_limit?"),
        ({"room": "a", "channel": "b", "presence": 1}, ("presence",), "expected true or false, got 1"),
        ({"room": "a", "channel": "b", "history_limit": -1}, ("history_limit",), "from 0 to 1000000, got -1"),
        ("_a:b", ("room",), 'the first a letter or digit, got "_a"'),
        ("a:*", ("channel",), 'the first a letter or digit, got "*"'),
        ({"room": "a", "channel": 3}, ("channel",), "got 3"),
    ],
    ids=str,
)
def test_a_wrong_predefined_channel_says_where_and_why(item: object, path: Path, words: str) -> None:
    _, problems = checked("channels.predefined", ["ok:ok", item])

    assert [found for found, _ in problems] == [(1, *path)]
    assert problems[0][1].endswith(words)


def test_a_predefined_channel_twice_is_refused() -> None:
    _, problems = checked("channels.predefined", ["a:b", {"room": "a", "channel": "b"}])

    assert problems == [((1,), "a:b is listed twice")]


@pytest.mark.parametrize(
    "name", ["a", "A.b-c_1", "9", "x" * 64, "x" * 65, "", "_a", "-a", ".a", "a b", "a\n", "é", "*"]
)
def test_names_of_users_are_those_of_the_protocol(name: str) -> None:
    """Config may not import the protocol, so the grammar is written twice."""
    assert bool(NAME.fullmatch(name)) == (is_name(name) and not is_system(name))


def test_administrators_are_names_of_users() -> None:
    assert checked("auth.admins", ["root", "ann"]) == (("root", "ann"), [])
    assert checked("auth.admins", ["root", 7])[1] == [((1,), "expected the name of a user, got 7")]

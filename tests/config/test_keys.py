"""Names, types in words, and how values are shown."""

import datetime

import pytest

from arqonbus.config.keys import all_keys, nearest, section_names, show, show_key

SECTIONS = ("server", "channels", "history", "groups", "limits", "auth", "redis", "telemetry", "log")


def test_the_sections_are_these() -> None:
    assert section_names() == SECTIONS


def test_the_keys_are_these() -> None:
    names = {section: [key.field for key in all_keys().values() if key.section == section] for section in SECTIONS}

    assert names == {
        "server": [
            "host", "port", "path", "unix_socket", "name", "tls_cert", "tls_key", "tls_client_ca", "origins",
            "compression", "backlog", "handshake_timeout_s", "close_timeout_s", "heartbeat_s", "pong_timeout_s",
            "resume_grace_s", "drain_timeout_s", "drain_spread_s", "uvloop", "workers",
        ],
        "channels": ["auto_create", "idle_s", "dedupe_s", "dedupe_count", "predefined", "presence", "presence_max"],
        "history": ["limit", "ttl_s", "bytes", "total_bytes", "position_ttl_s", "page_bytes"],
        "groups": ["ack_wait_s", "max_deliver", "prefetch", "retention_s"],
        "limits": [
            "message_bytes", "connections", "half_open", "half_open_per_ip", "handshake_bytes", "memberships", "rooms",
            "channels_per_room", "session_mailbox", "channel_mailbox", "mailbox_bytes", "outbox_bytes",
            "outbox_messages", "outbox_soft_bytes", "outbox_soft_s", "outbox_age_s", "group_bytes", "group_messages",
            "control_rate", "control_burst", "will_bytes", "invalid_envelopes",
        ],
        "auth": ["keys", "anonymous", "admins", "timeout_s", "query_token"],
        "redis": ["url", "prefix", "required", "degraded_ok", "timeout_s", "hold_s", "hold_messages", "hold_bytes"],
        "telemetry": [
            "room", "channel", "endpoint", "protocol", "timeout_s", "interval_s", "traces_per_s", "deliver_spans",
            "debug_clients", "metrics", "activity", "activity_per_s", "stats_interval_s",
        ],
        "log": ["level", "format"],
    }  # fmt: skip


def test_every_key_says_what_it_means() -> None:
    assert [key.name for key in all_keys().values() if not key.meaning] == []


def test_no_section_name_holds_an_underscore_so_that_variables_are_unambiguous() -> None:
    assert not any("_" in section for section in SECTIONS)
    assert len({key.variable for key in all_keys().values()}) == len(all_keys())


def test_the_variable_of_a_key_is_its_name_in_upper_case() -> None:
    assert all_keys()["server.tls_cert"].variable == "ARQONBUS_SERVER_TLS_CERT"


def test_every_number_has_a_range() -> None:
    numbers = [key for key in all_keys().values() if key.kind in ("whole", "number")]

    assert [key.name for key in numbers if " from " not in key.expects and " above " not in key.expects] == []


def test_the_secrets_are_these() -> None:
    assert [key.name for key in all_keys().values() if key.is_secret] == ["auth.keys", "redis.url"]


@pytest.mark.parametrize(
    ("name", "expects"),
    [
        ("server.port", "a whole number from 0 to 65535"),
        ("server.pong_timeout_s", "a number above 0, at most 86400"),
        ("channels.idle_s", "a number from -1 to 31536000"),
        ("auth.anonymous", "true or false"),
        ("log.format", 'one of "auto", "text", "json"'),
        ("server.origins", "a list of texts"),
    ],
)
def test_a_type_is_told_in_words(name: str, expects: str) -> None:
    assert all_keys()[name].expects == expects


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\n\u2028\x1b[31m", '"a\\n\\u2028\\u001b[31m"'),
        (True, "true"),
        (5.5, "5.5"),
        pytest.param(10**5000, "a whole number", id="huge"),
        ([1], "a list"),
        ({}, "a table"),
        (datetime.date(2026, 1, 1), "a date"),
        ("x" * 100, '"' + "x" * 59 + "..."),
        ("\udc80", '"\\udc80"'),
    ],
)
def test_a_wrong_value_is_shown_on_one_short_line(value: object, shown: str) -> None:
    assert show(value) == shown


def test_a_wrong_secret_is_shown_by_its_type_alone() -> None:
    assert show("hush", is_secret=True) == "a text (***)"


def test_odd_names_are_quoted() -> None:
    assert show_key("server", "a b\n") == 'server."a b\\n"'


def test_nothing_is_suggested_for_a_name_like_no_other() -> None:
    assert nearest("qqqq", ["host", "port"]) is None

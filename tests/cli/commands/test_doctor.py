"""`arqonbus doctor`: what it looks at, in which case, and its exit code."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from arqonbus.cli.kit.measures import DoctorRecord
from tests.cli.conftest import Call
from tests.specs.bus import Bus, free_port
from tests.storage.conftest import new_redis  # noqa: F401 - a fixture
from tests.storage.redis_server import RedisServer
from tests.telemetry.receivers import http_receiver, nobody

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"):
        monkeypatch.delenv(name, raising=False)


def parts(out: str) -> dict[str, str]:
    """What was looked at, with its verdict."""
    return {finding.what: finding.verdict for finding in msgspec.json.decode(out, type=DoctorRecord).findings}


def test_before_a_server_runs_the_machine_and_the_settings_are_looked_at(call: Call) -> None:
    called = call("doctor", "--port", str(free_port()), "--set", "limits.connections=10", "--json")

    assert called.code == 0
    assert parts(called.out) == {
        **{"config": "ok", "files": "ok", "port": "ok", "access": "ok", "tls": "ok", "redis": "ok", "otlp": "ok"},
        **{"bus": "skipped"},
    }


def test_a_server_that_runs_with_these_settings_is_looked_at_too(call: Call, server: Bus) -> None:
    called = call("doctor", "--port", str(server.port), "--json")

    assert called.code == 0
    assert parts(called.out)["echo"] == "ok"


def test_a_server_that_is_named_is_looked_at_alone(call: Call, at_server: Bus) -> None:
    assert list(parts(call("doctor", "--json").out)) == ["ready", "way in", "clock", "state", "echo"]


def test_people_get_lines_with_what_to_do_and_a_sum(call: Call, locked_server: Bus) -> None:
    called = call("doctor", "--url", locked_server.url, "--token", "guessed")

    lines = called.out.splitlines()
    assert called.code == 1
    assert lines[0] == "ok       ready   /ready says 200"
    assert lines[1].startswith("wrong    way in  the token is not accepted: ")
    assert lines[2] == "                 -> give a token of this server: --token-file FILE, or ARQONBUS_TOKEN"
    assert lines[3] == "1 wrong, 0 warnings, 1 ok, 0 skipped"


def test_a_wrong_configuration_is_told_problem_by_problem(call: Call, broken: str) -> None:
    called = call("doctor", "--config", broken, "--json")

    record = json.loads(called.out)
    assert (called.code, record["ok"]) == (1, False)
    assert [finding["what"] for finding in record["findings"]] == ["config", "config"]
    assert record["findings"][0]["words"].endswith("expected a whole number from 0 to 65535, got 70000")


def test_what_the_configuration_names_is_looked_at(
    call: Call,
    new_redis: Callable[..., RedisServer],  # noqa: F811
    tmp_path: Path,
) -> None:
    good = ("--appendonly", "yes", "--maxmemory", "100mb", "--client-output-buffer-limit", "pubsub 256mb 64mb 60")
    config = tmp_path / "bus.toml"
    with http_receiver() as receiver:
        config.write_text(
            f'[server]\nport = {free_port()}\n[redis]\nurl = "{new_redis(*good).url}"\n'
            f'[telemetry]\nendpoint = "{receiver.url}"\n[limits]\nconnections = 10\n'
        )
        called = call("doctor", "--config", str(config), "--json")

    found = parts(called.out)
    assert called.code == 0
    assert (found["redis version"], found["redis persistence"], found["redis memory"]) == ("ok", "ok", "ok")
    assert (found["otlp traces"], found["otlp metrics"]) == ("ok", "ok")


def test_one_thing_that_is_wrong_is_exit_code_1(call: Call) -> None:
    with nobody() as closed:
        called = call("doctor", "--port", "0", "--set", f"telemetry.endpoint={closed.url}")

    assert called.code == 1
    assert "wrong    otlp traces" in called.out


def test_a_token_file_that_cannot_be_read_is_wrong_usage(call: Call) -> None:
    assert call("doctor", "--token-file", "/nowhere").code == 2

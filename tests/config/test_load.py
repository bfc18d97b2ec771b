"""Loading: precedence, origins, and every problem at once."""

from pathlib import Path

import pytest

from arqonbus.config import Override, Settings, load
from arqonbus.errors import ConfigError


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "arqonbus.toml"
    path.write_text(text)
    return str(path)


def problems_of(overrides: list[Override], environ: dict[str, str], path: str | None = None) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(overrides, environ, path)
    return [problem.replace(path or "\0", "F") for problem in raised.value.problems]


def test_nothing_set_is_the_defaults() -> None:
    loaded = load([], {})

    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.file is None


def test_no_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "[server]\nport = 1\n")
    monkeypatch.chdir(tmp_path)

    assert load([], {}).settings.server.port == 9100


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    path = write(tmp_path, "[server]\nport = 1\nhost = 'file'\nname = 'file'\n")
    environ = {"ARQONBUS_SERVER_PORT": "2", "ARQONBUS_SERVER_HOST": "env"}

    loaded = load([Override("--port", "server.port", "3")], environ, path)

    server = loaded.settings.server
    assert (server.port, server.host, server.name, server.path) == (3, "env", "file", "/")
    assert loaded.origins["server.port"] == "--port"
    assert loaded.origins["server.host"] == "environment ARQONBUS_SERVER_HOST"
    assert loaded.origins["server.name"] == f"{path}:4"
    assert loaded.origins["server.path"] == "default"


def test_the_last_of_several_flags_wins() -> None:
    overrides = [Override("--set", "server.port=1"), Override("--set", "server.port=2")]

    assert load(overrides, {}).settings.server.port == 2


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    path = write(tmp_path, "[server]\nport = 1\n")

    loaded = load([], {"ARQONBUS_CONFIG": path})

    assert (loaded.settings.server.port, loaded.file) == (1, path)


def test_a_file_that_is_given_wins_over_the_one_of_the_environment(tmp_path: Path) -> None:
    path = write(tmp_path, "[server]\nport = 1\n")

    assert load([], {"ARQONBUS_CONFIG": "/nowhere"}, path).settings.server.port == 1


def test_a_table_is_replaced_whole(tmp_path: Path) -> None:
    path = write(tmp_path, "[auth.keys]\nalice = 'k1'\n")

    loaded = load([Override("--set", 'auth.keys={"bob": "k2"}')], {}, path)

    assert loaded.settings.auth.keys == {"bob": "k2"}


def test_anonymous_follows_the_keys_wherever_they_come_from() -> None:
    assert load([], {"ARQONBUS_AUTH_KEYS": '{"a": "k"}'}).settings.auth.anonymous is False
    assert load([], {}).settings.auth.anonymous is True


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "[server]\nport = 'x'\nprot = 1\ntls_cert = 'c'\n\n[log]\nlevel = 'loud'\n[zzz]\n")

    problems = problems_of(
        [Override("--set", "x"), Override("--port", "server.port", "70000")], {"ARQONBUS_NOPE": "1"}, path
    )

    assert problems == [
        'F:2: server.port: expected a whole number from 0 to 65535, got "x"',
        "F:3: unknown key server.prot; did you mean server.port?",
        'F:7: log.level: expected one of "debug", "info", "warning", "error", got "loud"',
        "F:8: unknown section [zzz]",
        "environment ARQONBUS_NOPE: unknown variable",
        '--set: expected section.key=value, got no "="',
        "--port: server.port: expected a whole number from 0 to 65535, got 70000",
        "F:4: server.tls_cert: expected server.tls_key to be set as well",
    ]


def test_a_problem_inside_a_list_has_the_line_and_place_of_its_item(tmp_path: Path) -> None:
    path = write(tmp_path, "[channels]\npredefined = [\n  'a:b',\n  {room = 'a', channel = 'c', presence = 3},\n]\n")

    assert problems_of([], {}, path) == ["F:4: channels.predefined[1].presence: expected true or false, got 3"]


def test_a_wrong_value_is_told_even_when_another_source_overrides_it(tmp_path: Path) -> None:
    path = write(tmp_path, "[server]\nport = 'x'\n")

    assert len(problems_of([Override("--port", "server.port", "1")], {}, path)) == 1


def test_a_rule_between_keys_names_every_place_that_set_them(tmp_path: Path) -> None:
    path = write(tmp_path, "[limits]\noutbox_soft_bytes = 2000\n")

    problems = problems_of([], {"ARQONBUS_LIMITS_OUTBOX_BYTES": "1000", "ARQONBUS_LIMITS_MESSAGE_BYTES": "100"}, path)

    assert problems == [
        "F:2, environment ARQONBUS_LIMITS_OUTBOX_BYTES: limits.outbox_soft_bytes: "
        "expected limits.outbox_soft_bytes <= limits.outbox_bytes, got 2000 and 1000"
    ]


def test_a_rule_is_not_applied_to_a_value_that_is_wrong_by_itself() -> None:
    environ = {"ARQONBUS_LIMITS_OUTBOX_BYTES": "few", "ARQONBUS_LIMITS_OUTBOX_SOFT_BYTES": "5000000"}

    assert len(problems_of([], environ)) == 1


def test_a_redis_url_that_is_none_is_refused_and_not_shown() -> None:
    problems = problems_of([], {"ARQONBUS_REDIS_URL": "redys://:hush@host"})

    (problem,) = problems
    assert problem.startswith("environment ARQONBUS_REDIS_URL: redis.url: expected redis://")
    assert "hush" not in problem


@pytest.mark.parametrize(
    "text",
    [
        "[auth]\nkeys = 'hush'\n",
        "[auth]\nkeys = ['hush']\n",
        "[auth]\nkeys = {alice = ['hush']}\n",
        "[auth]\nkeys = {alice = 'hush hush'}\n",
        "[auth]\nkeys = {alice = 'hush', bob = 'hush'}\n",
        "[auth]\nkey = {alice = 'hush'}\n",
        "auth = 'hush'\n",
        "[redis]\nurl = ['hush']\n",
        "[redis]\nurl = 'hush'\n",
        "[auth]\nkeys = {alice = 'hush\n",
        "[auth]\nkeys = {alice = 'hush' 'hush'}\n",
    ],
)
def test_no_problem_shows_a_secret(tmp_path: Path, text: str) -> None:
    problems = problems_of([], {}, write(tmp_path, text))

    assert problems
    assert not any("hush" in problem for problem in problems)


def test_what_was_loaded_shows_no_secret() -> None:
    assert "hush" not in repr(load([], {"ARQONBUS_AUTH_KEYS": '{"a": "hush"}'}))


def test_the_environment_of_the_process_is_used_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARQONBUS_SERVER_PORT", "7")

    assert load().settings.server.port == 7

"""arqonbus token."""

import tomllib
from pathlib import Path

import pytest

from arqonbus.cli.commands.token import kind_of
from arqonbus.security.tickets import Tickets
from tests.cli.conftest import Call, records


def test_a_key_is_made_and_the_configuration_for_it(call: Call) -> None:
    code, key, err = call("token", "make", "alice")

    assert code == 0
    assert len(key.strip()) == 43
    assert tomllib.loads(err.partition("\n\n")[2]) == {"auth": {"keys": {"alice": key.strip()}}}


def test_no_key_is_made_twice(call: Call) -> None:
    assert call("token", "make", "alice").out != call("token", "make", "alice").out


def test_a_key_can_be_had_as_json_and_a_name_may_be_odd(call: Call) -> None:
    (record,) = records(call("token", "make", 'al "x" ice', "--json").out)

    assert tomllib.loads(record.config) == {"auth": {"keys": {'al "x" ice': record.token}}}


def test_a_key_needs_a_user(call: Call) -> None:
    assert call("token", "make").code == 2


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "bus.toml"
    path.write_text("[auth.keys]\nalice = 'key-of-alice'\n")
    return str(path)


def test_whose_key_it_is_is_found_in_a_configuration(call: Call, config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = call("token", "inspect", "--token", "key-of-alice", "--config", config)
    facts = dict(line.split("\t") for line in out.splitlines())
    monkeypatch.setenv("ARQONBUS_TOKEN", "key-of-alice")
    (record,) = records(call("token", "inspect", "--config", config, "--json").out)

    assert code == 0
    assert (facts["kind"], facts["user"], facts["length"]) == ("key", "alice", "12 characters")
    assert (record.kind, record.user, record.token) == ("key", "alice", None)
    assert "key-of-alice" not in out


def test_nobody_s_key_exits_with_1(call: Call, config: str) -> None:
    code, out, _ = call("token", "inspect", "--token", "guessed", "--config", config)

    assert code == 1
    assert "user\tnobody's\n" in out


def test_without_a_configuration_only_the_looks_of_a_token_are_told(call: Call) -> None:
    code, out, _ = call("token", "inspect", "--token", "eyJh.eyJz.c2ln")

    assert code == 0
    assert "kind\tjwt\n" in out
    assert "user\tnot looked up; --config FILE\n" in out


def test_a_ticket_is_known_by_its_looks() -> None:
    assert kind_of(Tickets(b"0123456789abcdef").issue("c-7N95AucQiBRX0OQ7")) == "ticket"
    assert kind_of("anything else") == "key"


@pytest.mark.parametrize("argv", [["inspect"], ["inspect", "alice"], ["inspect", "--token-file", "/none"], ["mint"]])
def test_what_makes_no_sense_is_wrong_usage(argv: list[str], call: Call) -> None:
    assert call("token", *argv).code == 2


def test_a_configuration_with_a_mistake_is_told(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[auth]\nkeyz = 1\n")

    code, _, err = call("token", "inspect", "--token", "x", "--config", str(path))

    assert code == 2
    assert "auth.keyz" in err

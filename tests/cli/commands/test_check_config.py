"""arqonbus check-config: problems and how they are told."""

import json
from pathlib import Path

import pytest

from arqonbus import cli
from arqonbus.config.keys import all_keys


def test_a_right_configuration_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ok.toml"
    path.write_text("[server]\nport = 1\n")

    assert cli.main(["check-config", str(path)]) == 0
    assert capsys.readouterr().out == f"ok: {path}, 1 of {len(all_keys())} settings set, the rest are defaults\n"


def test_checking_without_a_file_checks_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARQONBUS_SERVER_PORT", "x")

    assert cli.main(["check-config"]) == 2
    assert "environment ARQONBUS_SERVER_PORT: server.port: expected" in capsys.readouterr().err


def test_one_problem_is_counted_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check-config", "/nowhere.toml"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "arqonbus: 1 problem in the configuration",
        "  /nowhere.toml: cannot read the configuration file: no such file or directory",
    ]


def test_problems_can_be_had_as_json(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check-config", broken, "--json"]) == 2

    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert len(answer["problems"]) == 2


def test_a_right_configuration_can_be_had_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check-config", "--json", "--port", "1"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "file": None, "set": 1, "problems": []}


def test_a_file_given_twice_is_wrong_usage(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check-config", broken, "--config", broken]) == 2
    assert "FILE and --config: expected one of them, got both" in capsys.readouterr().err

"""Flags that set something."""

import argparse

import pytest

from arqonbus.cli.kit.settings import add_setting_flags, load, load_or_tell, tell_problems


def options(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_setting_flags(parser)
    return parser.parse_args(argv)


def test_a_short_flag_wins_over_set() -> None:
    loaded = load(options("--port", "1", "--set", "server.port=2"))

    assert loaded.settings.server.port == 1
    assert loaded.origins["server.port"] == "--port"


def test_problems_are_told_and_nothing_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_or_tell(options("--port", "x")) is None
    assert "arqonbus: 1 problem in the configuration\n" in capsys.readouterr().err


def test_problems_as_json_go_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell_problems(["one"], as_json=True) == 2
    assert capsys.readouterr() == ('{"ok": false, "problems": ["one"]}\n', "")

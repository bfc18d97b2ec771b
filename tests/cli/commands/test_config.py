"""arqonbus config: values, origins, colours."""

import json
import sys

import pytest

from arqonbus import cli


def test_config_shows_values_and_origins_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARQONBUS_AUTH_KEYS", '{"alice": "hush"}')

    assert cli.main(["config", "--port", "1"]) == 0

    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines()}
    assert lines["server.port"].split() == ["1", "--port"]
    assert lines["server.host"].split() == ['"127.0.0.1"', "default"]
    assert lines["auth.keys"].split(maxsplit=2) == ['{"alice":', '"***"}', "environment ARQONBUS_AUTH_KEYS"]


def test_config_as_json_nests_as_the_file_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "--json", "--port", "1"]) == 0

    answer = json.loads(capsys.readouterr().out)
    assert answer["settings"]["server"]["port"] == 1
    assert answer["origins"]["server.port"] == "--port"
    assert answer["file"] is None


def test_config_with_a_wrong_configuration_tells_the_problems(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", "--config", broken]) == 2
    assert "2 problems" in capsys.readouterr().err


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_gets_colours_unless_it_says_no(
    environ: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    cli.main(["config"])

    assert ("\x1b" in capsys.readouterr().out) is coloured


def test_nothing_is_coloured_when_the_output_is_no_terminal(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["config"])
    cli.main(["check-config", broken])

    assert "\x1b" not in "".join(capsys.readouterr())

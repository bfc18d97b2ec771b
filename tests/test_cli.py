"""The command line: answers, exit codes, and how fast it is."""

import json
import os
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from arqonbus import __version__, cli
from arqonbus.config import Settings
from arqonbus.config.keys import all_keys
from arqonbus.protocol.envelope import VERSION

HEAVY = ("asyncio", "msgspec", "websockets", "uvloop", "opentelemetry", "redis")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the variables of whoever runs the tests away."""
    for name in [name for name in os.environ if name.startswith("ARQONBUS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.toml"
    path.write_text("[server]\nport = 70000\nprot = 1\n")
    return str(path)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[Settings]]:
    """Put a server in place that notes its settings, reads them again as for a reload, and returns an exit code."""

    def install(code: int) -> list[Settings]:
        served: list[Settings] = []

        def serve(settings: Settings, reload: Callable[[], Settings]) -> int:
            served.extend((settings, reload()))
            return code

        server = types.ModuleType("arqonbus.server")
        server.serve = serve  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "arqonbus.server", server)
        return served

    return install


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    code = f"import sys, arqonbus.cli; print([name for name in {HEAVY!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_help_answers_at_once() -> None:
    """Under 0.15 s; the best of five, for the machine may be busy with other tests."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "arqonbus", "--help"], capture_output=True, check=True)
        times.append(time.perf_counter() - start)

    assert min(times) < 0.15


def test_the_command_alone_prints_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    assert "examples:" in capsys.readouterr().out


def test_help_has_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        cli.main(["--help"])

    out = capsys.readouterr().out
    assert exited.value.code == 0
    assert "arqonbus run --port 8000" in out
    assert "exit codes:" in out


@pytest.mark.parametrize(
    "argv", [["rum"], ["run", "--prot", "1"], ["run", "--por", "1"], ["run", "--port"], ["--config"]]
)
def test_wrong_usage_exits_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        cli.main(argv)

    assert exited.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_run_serves_with_the_settings_of_the_flags(serve: Callable[[int], list[Settings]]) -> None:
    served = serve(0)

    code = cli.main(["run", "--host", "::1", "--port", "0", "--log-level", "debug", "--log-format", "json",
                     "--set", "history.limit=5", "--set", "limits.rooms=7"])  # fmt: skip

    settings = served[0]
    assert code == 0
    assert (settings.server.host, settings.server.port) == ("::1", 0)
    assert (settings.log.level, settings.log.format) == ("debug", "json")
    assert (settings.history.limit, settings.limits.rooms) == (5, 7)


def test_a_reload_reads_the_file_again_and_keeps_the_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "arqonbus.toml"
    path.write_text("[auth.keys]\nalice = 'old'\n")
    reread: list[Settings] = []

    def serve(settings: Settings, reload: Callable[[], Settings]) -> int:
        path.write_text("[auth.keys]\nalice = 'new'\n")
        reread.append(reload())
        return 0

    server = types.ModuleType("arqonbus.server")
    server.serve = serve  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "arqonbus.server", server)

    cli.main(["run", "--config", str(path), "--port", "1"])

    assert reread[0].auth.keys == {"alice": "new"}
    assert reread[0].server.port == 1


def test_a_flag_of_its_own_wins_over_set(serve: Callable[[int], list[Settings]]) -> None:
    served = serve(0)

    cli.main(["run", "--port", "1", "--set", "server.port=2"])

    assert served[0].server.port == 1


@pytest.mark.parametrize("code", [0, 1, 2])
def test_run_exits_with_the_code_of_the_server(code: int, serve: Callable[[int], list[Settings]]) -> None:
    serve(code)

    assert cli.main(["run"]) == code


def test_run_with_a_wrong_configuration_tells_every_problem_and_does_not_start(
    broken: str, serve: Callable[[int], list[Settings]], capsys: pytest.CaptureFixture[str]
) -> None:
    served = serve(0)

    assert cli.main(["run", "--config", broken, "--log-level", "loud"]) == 2

    out, err = capsys.readouterr()
    assert (served, out) == ([], "")
    assert err.splitlines() == [
        "arqonbus: 3 problems in the configuration",
        f"  {broken}:2: server.port: expected a whole number from 0 to 65535, got 70000",
        f"  {broken}:3: unknown key server.prot; did you mean server.port?",
        '  --log-level: log.level: expected one of "debug", "info", "warning", "error", got "loud"',
    ]


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


def test_versions_are_told_as_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version"]) == 0
    text = capsys.readouterr().out
    assert cli.main(["version", "--json"]) == 0
    versions = json.loads(capsys.readouterr().out)

    assert list(versions) == ["arqonbus", "python", "protocol", "uvloop", "websockets", "msgspec"]
    assert versions["arqonbus"] == __version__
    assert all(str(version or "not installed") in text for version in versions.values())


def test_the_version_of_the_protocol_is_that_of_the_envelope() -> None:
    """It is written twice, because importing the protocol costs more than the whole command line."""
    assert cli.PROTOCOL_VERSION == VERSION


def test_nothing_is_coloured_when_the_output_is_no_terminal(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["config"])
    cli.main(["check-config", broken])

    assert "\x1b" not in "".join(capsys.readouterr())


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


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m arqonbus config | true; exit ${{PIPESTATUS[0]}}"

    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_module_runs_as_the_command_does() -> None:
    done = subprocess.run([sys.executable, "-m", "arqonbus", "--version"], capture_output=True, text=True, check=True)

    assert done.stdout == f"arqonbus {__version__}\n"

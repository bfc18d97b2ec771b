"""arqonbus run: settings, reload, exit codes."""

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from arqonbus import cli
from arqonbus.config import Settings


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

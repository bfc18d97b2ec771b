"""Completion scripts: the shells that are here parse them, and bash completes by them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from arqonbus.cli.completing import script, words_of
from arqonbus.cli.table import COMMANDS


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_that_is_here_parses_its_script(shell: str, tmp_path: Path) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"no {shell} here")
    file = tmp_path / "script"
    file.write_text(script(shell))

    done = subprocess.run([path, "-n", str(file)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_every_long_flag_is_in_every_script(shell: str) -> None:
    text = script(shell)

    for name in COMMANDS:
        assert name in text
        for word in words_of(name):
            assert all(flag.removeprefix("--") in text for flag in word.flags if flag.startswith("--"))


def completed(*words: str) -> list[str]:
    """Let bash complete the last word."""
    quoted = " ".join(f"'{word}'" for word in words)
    code = f"""
        eval "$(cat)"
        COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}
        _arqonbus
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", code], input=script("bash"), capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_flags_values_and_files(tmp_path: Path) -> None:
    (tmp_path / "bus.toml").touch()

    assert completed("arqonbus", "hi") == ["history"]
    assert completed("arqonbus", "sub", "--ga") == ["--gaps"]
    assert completed("arqonbus", "sub", "science:explore", "--gaps", "") == ["warn", "fail"]
    assert completed("arqonbus", "token", "i") == ["inspect"]
    assert completed("arqonbus", "run", "--config", f"{tmp_path}/b") == [f"{tmp_path}/bus.toml"]
    assert completed("arqonbus", "check-config", f"{tmp_path}/b") == [f"{tmp_path}/bus.toml"]
    assert completed("arqonbus", "check-config", "--js") == ["--json"]
    assert completed("arqonbus", "sub", "--count", "") == []


def test_what_a_command_takes_is_known() -> None:
    by_flag = {word.flags: word for word in words_of("sub")}

    assert by_flag[("-n", "--count")].takes_value
    assert not by_flag[("--raw",)].takes_value
    assert by_flag[("--gaps",)].choices == ("warn", "fail")
    assert by_flag[("--token-file",)].is_file


def test_fish_completes_commands_and_values() -> None:
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("no fish here")
    code = "cat | source; complete -C 'arqonbus his'; complete -C 'arqonbus sub --gaps '"

    done = subprocess.run([fish, "-c", code], input=script("fish"), capture_output=True, text=True, check=True)

    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == ["history", "fail", "warn"]

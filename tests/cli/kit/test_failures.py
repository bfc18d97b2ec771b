"""How a failure is told."""

import json

import pytest

from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure, note, tell

FAILURE = Failure(Exit.UNREACHABLE, "cannot connect", hint="start it", code="cannot_connect")


def test_a_failure_is_two_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    tell(FAILURE)

    assert capsys.readouterr() == ("", "arqonbus: cannot connect\nhint: start it\n")


def test_a_failure_without_a_hint_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Failure(Exit.FAILED, "no"))

    assert capsys.readouterr().err == "arqonbus: no\n"


def test_a_failure_is_one_object_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    tell(FAILURE, as_json=True)

    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err) == {
        "type": "error", "v": 1, "code": "cannot_connect", "message": "cannot connect", "hint": "start it", "exit": 3,
    }  # fmt: skip


def test_a_note_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    note("3 messages are missing")

    assert capsys.readouterr() == ("", "arqonbus: 3 messages are missing\n")


def test_what_others_say_gives_no_orders_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Failure(Exit.REJECTED, "said \x1b[2J", hint="\x07"))
    note("\x9b")

    assert capsys.readouterr().err == "arqonbus: said \\x1b[2J\nhint: \\x07\narqonbus: \\x9b\n"

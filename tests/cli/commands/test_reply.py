"""arqonbus reply, asked by arqonbus request."""

import sys
from collections.abc import Callable

import pytest

from tests.cli.conftest import Call, Program, records
from tests.specs.bus import Bus

pytestmark = pytest.mark.integration

Start = Callable[..., Program]


def test_a_request_is_answered_with_itself(start: Start, call: Call, room: str) -> None:
    program = start("reply", f"{room}:echo", "--echo", "-n", "2", "--json")
    program.says("answering")

    assert call("request", f"{room}:echo", '{"n":1}').out == '{"n":1}\n'
    assert call("request", f"{room}:echo", "hello", "--raw").out == "hello\n"

    code, out, _ = program.end()
    assert code == 0
    assert [(one.address, one.ok) for one in records(out)] == [(f"{room}:echo", True)] * 2


def test_ctrl_c_ends_it_in_order(start: Start, call: Call, room: str) -> None:
    program = start("reply", f"{room}:fixed", "--data", '{"ok":true}')
    program.says("answering")

    assert call("request", f"{room}:fixed").out == '{"ok":true}\n'

    assert program.interrupt()[0] == 0
    assert call("request", f"{room}:fixed").code == 5


def test_a_program_makes_the_answer(start: Start, call: Call, room: str) -> None:
    double = f"""{sys.executable} -c "import json; print(json.loads(input()) * 2)" """
    program = start("reply", f"{room}:double", "--exec", double, "--timeout", "10")
    program.says("answering")

    assert call("request", f"{room}:double", "21").out == "42\n"
    code, _, err = call("request", f"{room}:double", "null")

    assert code == 6
    assert "exit code 1" in err
    assert "(exec_failed)" in err
    program.interrupt()
    assert "with an error" in program.err or program.process.returncode == 0


def test_a_program_that_takes_too_long_is_ended(start: Start, call: Call, room: str) -> None:
    program = start("reply", f"{room}:slow", "--exec", "sleep 60", "--timeout", "1")
    program.says("answering")

    code, _, err = call("request", f"{room}:slow", "1")

    assert code == 6
    assert "(exec_timeout)" in err


def test_a_program_that_is_not_there_is_told(start: Start, call: Call, room: str) -> None:
    program = start("reply", f"{room}:none", "--exec", "no-such-program-here", "--json", "-n", "1")
    program.says("answering")

    assert "(exec_failed)" in call("request", f"{room}:none", "1").err
    assert [(one.ok, one.code) for one in records(program.end().out)] == [(False, "exec_failed")]


@pytest.mark.parametrize(
    "argv", [[], ["a:b"], ["a:b", "--echo", "--data", "1"], ["a:b", "--exec", "'"], ["a:b", "--exec", ""],
             ["a:b", "--data", "{"]]
)  # fmt: skip
def test_what_makes_no_sense_is_wrong_usage(argv: list[str], call: Call, at_server: Bus) -> None:
    assert call("reply", *argv).code == 2

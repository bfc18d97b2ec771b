"""The work of reply, beside what test_reply does with it: what a program is given."""

import json
import sys
from typing import Any

import pytest
from msgspec import Raw

from arqonbus.cli.answering import Answering
from arqonbus.cli.table import parser_of
from arqonbus.client import Message, ReplyError

REQUEST: Message[Any] = Message(None, "event", "m1", "c-1", "", Raw(b'{"n":1}'), "math", "double", 1)


def answering(*argv: str) -> Answering:
    return Answering(parser_of("reply").parse_args(["math:double", *argv]))


async def test_a_program_gets_the_payload_and_who_asked_and_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARQONBUS_TOKEN", "secret")
    code = (
        "import os, sys, json; names = ('REQUEST_ID', 'REQUEST_FROM', 'REQUEST_CHANNEL', 'ARQONBUS_TOKEN');"
        "print(json.dumps([sys.stdin.read(), *map(os.environ.get, names)]))"
    )

    answer = await answering("--exec", f'{sys.executable} -c "{code}"')._answer_of(REQUEST)

    assert json.loads(bytes(answer)) == ['{"n":1}', "m1", "c-1", "math:double", None]


async def test_no_shell_reads_the_program() -> None:
    answer = await answering("--exec", "echo $HOME; exit 3", "--text")._answer_of(REQUEST)

    assert bytes(answer) == b'"$HOME; exit 3"'


async def test_output_that_begins_as_json_and_is_none_is_an_error() -> None:
    with pytest.raises(ReplyError) as failed:
        await answering("--exec", "echo {")._answer_of(REQUEST)

    assert failed.value.code == "exec_failed"


async def test_an_echo_and_a_fixed_answer() -> None:
    assert await answering("--echo")._answer_of(REQUEST) == REQUEST.raw
    assert bytes(await answering("--data", "x")._answer_of(REQUEST)) == b'"x"'


def test_the_good_bye_counts(capsys: pytest.CaptureFixture[str]) -> None:
    answering("--echo").say_good_bye()

    assert capsys.readouterr().err == "arqonbus: 0 answers\n"

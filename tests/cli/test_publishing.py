"""The work of pub, beside what test_pub calls: how an acknowledgement is told on a terminal."""

from argparse import Namespace

import pytest

from arqonbus.cli.publishing import Publishing
from arqonbus.cli.table import parser_of
from arqonbus.client import Ack


def publishing(*argv: str) -> Publishing:
    options: Namespace = parser_of("pub").parse_args(["science:explore", "1", *argv])
    made = Publishing(options)
    made._out.is_terminal = True
    return made


@pytest.mark.parametrize(
    ("ack", "line"),
    [
        (Ack(7, "e", False, "memory", 1), "published: science:explore #7, kept in memory, to 1 member"),
        (Ack(7, "e", False, "none", 0), "published: science:explore #7, not kept, to 0 members"),
        (Ack(7, "e", True, "memory"), "published before: science:explore #7, kept in memory"),
    ],
)
def test_a_terminal_is_told_what_became_of_a_message(ack: Ack, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    publishing()._show(ack)

    assert capsys.readouterr().out == f"{line}\n"


def test_of_many_messages_only_the_sum_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    made = publishing("-n", "10")

    made._show(Ack(7, "e"))
    made._sum_up(0.5)

    assert capsys.readouterr() == ("", "arqonbus: 0 messages acknowledged in 0.50 s (0/s)\n")

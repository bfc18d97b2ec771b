"""The parser: help that begins with examples, guesses, exit codes."""

import pytest

from arqonbus.cli.kit.parser import Parser, closest


def parser() -> Parser:
    parser = Parser("arqonbus fly", "move through the air")
    parser.add_example("arqonbus fly", "at once")
    parser.add_example("arqonbus fly --altitude 12345 --over the-whole-of-the-ocean", "far")
    parser.add_argument("--altitude", metavar="METRES", help="how high")
    return parser


def test_help_goes_from_what_it_does_over_examples_to_exit_codes() -> None:
    assert parser().format_help() == (
        "Move through the air.\n"
        "\n"
        "examples:\n"
        "  arqonbus fly                                    at once\n"
        "  arqonbus fly --altitude 12345 --over the-whole-of-the-ocean\n"
        "                                                  far\n"
        "\n"
        "usage: arqonbus fly [-h] [--altitude METRES]\n"
        "\n"
        "options:\n"
        "  -h, --help         show this help message and exit\n"
        "  --altitude METRES  how high\n"
        "\n"
        "exit codes:\n"
        "  0    done\n"
        "  1    it failed, for a reason that has no number of its own\n"
        "  2    wrong usage, wrong configuration, or the server could not start\n"
    )


def test_a_mistyped_flag_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        parser().parse_args(["--altitud=1"])

    assert exited.value.code == 2
    assert capsys.readouterr().err == (
        "arqonbus fly: error: unrecognized arguments: --altitud=1; did you mean --altitude?\n"
        "hint: arqonbus fly --help\n"
    )


def test_flags_are_never_abbreviated() -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--alt", "1"])


def test_nothing_is_guessed_where_nothing_is_near() -> None:
    assert closest("xyz", ["--altitude"]) == ""

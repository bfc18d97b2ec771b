"""Colours and width."""

import io

import pytest

from arqonbus.cli.kit.terminal import has_colour, painted, printable, width


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False)],
)
def test_a_terminal_has_colours_unless_it_says_no(
    environ: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert has_colour(Terminal()) is coloured
    assert has_colour(Terminal(), wanted=False) is False


def test_a_pipe_has_colours_only_when_they_are_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_colour(io.StringIO()) is False
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert has_colour(io.StringIO()) is True


def test_painted_text_ends_its_colour() -> None:
    assert painted("ok", "green", True) == "\x1b[32mok\x1b[0m"
    assert painted("ok", "green", False) == "ok"
    assert painted("", "green", True) == ""


def test_the_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "123")

    assert width() == 123


def test_controls_are_shown_and_not_obeyed() -> None:
    assert printable("a\x1b[2Jb\x9b1m\x7f\r\x00") == "a\\x1b[2Jb\\x9b1m\\x7f\\x0d\\x00"
    assert printable("a\n\tö→") == "a\n\tö→"

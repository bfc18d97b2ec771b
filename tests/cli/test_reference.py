"""docs/CLI.md is what the parsers say."""

from pathlib import Path

import pytest

from arqonbus.cli.kit.exits import MEANINGS
from arqonbus.cli.reference import pages, replace_pages
from arqonbus.cli.table import COMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "CLI.md"


@pytest.mark.proves("011/SC-003")
def test_the_document_is_up_to_date() -> None:
    """Else run: python -m arqonbus.cli.reference docs/CLI.md"""
    document = PAGE.read_text("utf-8")

    assert replace_pages(document) == document


def test_there_is_a_page_for_every_command_and_a_row_for_every_exit_code() -> None:
    text = pages()

    assert all(f"\n## arqonbus {name}\n" in text for name in COMMANDS)
    assert all(f"| {int(code)} | {meaning} |" in text for code, meaning in MEANINGS.items())


def test_the_width_of_the_terminal_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = pages()
    monkeypatch.setenv("COLUMNS", "40")

    assert pages() == wide


def test_a_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the marks"):
        replace_pages("# nothing")

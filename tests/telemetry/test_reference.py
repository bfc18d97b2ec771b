"""The tables in print."""

from pathlib import Path

import pytest

from arqonbus.protocol.activities import ACTIVITIES
from arqonbus.telemetry.metrics import METRICS
from arqonbus.telemetry.reference import TABLES, replace_tables
from arqonbus.telemetry.span_table import ATTRIBUTES, SPANS

DOCUMENT = Path(__file__).parents[2] / "docs" / "TELEMETRY.md"


@pytest.mark.proves("007/FR-006")
def test_the_documented_tables_are_those_of_the_code() -> None:
    """Mend it with: python -m arqonbus.telemetry.reference docs/TELEMETRY.md"""
    document = DOCUMENT.read_text("utf-8")

    assert replace_tables(document) == document


@pytest.mark.parametrize(
    ("name", "n_rows"),
    [
        ("spans", len(SPANS)),
        ("attributes", len(ATTRIBUTES)),
        ("metrics", len(METRICS)),
        ("activities", len(ACTIVITIES)),
    ],
)
def test_a_table_has_a_line_for_every_row_and_as_many_cells_as_its_head(name: str, n_rows: int) -> None:
    head, rule, *rows = TABLES[name]().splitlines()

    assert len(rows) == n_rows
    assert {line.count(" | ") for line in (head, *rows)} == {rule.count("|") - 2}


def test_a_document_without_the_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected the marks"):
        replace_tables("no marks")

"""Tables, facts, times and records on stdout."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from arqonbus.cli.kit.output import Column, Output, duration
from arqonbus.cli.kit.records import ErrorRecord

COLUMNS = (Column("name"), Column("count", right=True), Column("from", rank=1), Column("note"))
ROWS = (("a", 1, "here", "short"), ("beta", 1000, "there", None))


def shown(capsys: pytest.CaptureFixture[str], *, columns: int | None) -> list[str]:
    out = Output(as_json=False)
    out.is_terminal = columns is not None
    out.table(COLUMNS, ROWS)
    return capsys.readouterr().out.splitlines()


def test_a_terminal_gets_aligned_columns_with_titles(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert shown(capsys, columns=80) == [
        "name  count  from   note",
        "a         1  here   short",
        "beta   1000  there",
    ]


def test_a_narrow_terminal_loses_the_least_important_column_and_never_wraps(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "17")

    assert shown(capsys, columns=17) == ["name  count  note", "a         1  sho…", "beta   1000"]


def test_a_name_gives_no_orders_to_a_terminal_and_breaks_no_row(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=False)
    out.is_terminal = True
    out.table((Column("name"), Column("n")), [("a\x1b[2J\nb", 1)])

    assert capsys.readouterr().out == "name        n\na\\x1b[2J b  1\n"


def test_a_pipe_gets_values_with_tabs_between(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, columns=None) == ["a\t1\there\tshort", "beta\t1000\tthere\t"]


def test_a_value_breaks_neither_its_row_nor_its_column(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).table((Column("a"), Column("b")), [("x\ty\nz", "  1")])

    assert capsys.readouterr().out == "x y z\t  1\n"


def test_facts_are_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=False)
    out.facts([("server", "node-1"), ("up", None)])
    out.is_terminal = True
    out.facts([("server", "node-1"), ("up", 3)])

    assert capsys.readouterr().out == "server\tnode-1\nup\t\nserver  node-1\nup      3\n"


def test_a_time_is_an_age_for_people_and_itself_for_pipes() -> None:
    out = Output(as_json=False)
    then = (datetime.now(UTC) - timedelta(minutes=3, seconds=20)).isoformat()

    assert out.when(then) == then
    out.is_terminal = True
    assert out.when(then) == "3m ago"
    assert out.when("") == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0s"), (59.9, "59s"), (60, "1m"), (7199, "1h"), (90_000, "1d"), (864_000, "10d")]
)
def test_a_duration_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_record_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    record = ErrorRecord(code="c", message="m", hint="h", exit=1)

    Output(as_json=True).record(record)

    assert msgspec.json.decode(capsys.readouterr().out, type=ErrorRecord) == record

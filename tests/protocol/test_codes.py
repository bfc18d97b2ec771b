"""Codes: the tables, their ranges, and that the public document shows every row."""

from pathlib import Path

import pytest

from arqonbus.protocol import codes
from arqonbus.protocol.codes import CLOSE_CODES, ERRORS, CloseCode, ErrorCode, reconnect_after

DOCUMENT = (Path(__file__).parents[2] / "docs" / "PROTOCOL.md").read_text("utf-8")

RETRYABLE = {"rate_limited", "unavailable", "timeout", "overloaded", "internal"}
CLOSES = {
    1000: "never", 1001: "back_off", 1002: "never", 1003: "never", 1007: "never", 1009: "never",
    1011: "back_off", 1012: "back_off", 1013: "back_off",
    4000: "at_once", 4001: "at_once",
    4100: "back_off", 4101: "back_off", 4102: "back_off", 4103: "back_off",
    4500: "never", 4501: "never", 4502: "never", 4503: "never", 4504: "never",
}  # fmt: skip


def test_only_what_may_pass_by_itself_is_retryable() -> None:
    assert {row.code for row in ERRORS.values() if row.retryable} == RETRYABLE


@pytest.mark.parametrize("row", ERRORS.values(), ids=lambda row: row.code)
def test_an_error_code_is_filed_under_its_word_and_documented(row: ErrorCode) -> None:
    assert ERRORS[row.code] is row
    assert f"| `{row.code}` | {row.when} | {'yes' if row.retryable else 'no'} |" in DOCUMENT


def test_the_table_of_close_codes_is_whole() -> None:
    assert {row.code: row.reconnect for row in CLOSE_CODES.values()} == CLOSES


@pytest.mark.parametrize("row", CLOSE_CODES.values(), ids=lambda row: str(row.code))
def test_a_close_code_is_filed_under_its_number_and_documented(row: CloseCode) -> None:
    assert CLOSE_CODES[row.code] is row
    assert f"| {row.code} | {row.meaning} | {row.reconnect.replace('_', ' ')} |" in DOCUMENT


def test_every_named_code_but_1006_is_in_the_table() -> None:
    named = {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, int)}

    assert named - {codes.NO_CLOSE_FRAME} == set(CLOSE_CODES)


@pytest.mark.parametrize("code", [code for code in CLOSES if code >= 4000])
def test_a_code_of_ours_behaves_as_its_range(code: int) -> None:
    unknown = next(
        n for r in (codes.SESSION_RANGE, codes.LOAD_RANGE, codes.TERMINAL_RANGE) if code in r for n in r[50:]
    )

    assert reconnect_after(code) == reconnect_after(unknown)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (4050, "at_once"),
        (4150, "back_off"),
        (4999, "never"),
        (1006, "back_off"),
        (1005, "back_off"),
        (4300, "back_off"),
    ],
)
def test_an_unknown_code_says_what_to_do(code: int, expected: str) -> None:
    assert reconnect_after(code) == expected


def test_the_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        ERRORS["new"] = ErrorCode("new", "", False)  # type: ignore[index]
    with pytest.raises(TypeError):
        CLOSE_CODES[1] = CloseCode(1, "", "never")  # type: ignore[index]

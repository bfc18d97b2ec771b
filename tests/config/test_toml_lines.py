"""Lines of keys in TOML texts."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arqonbus.config.toml_lines import Path, line_of, lines_of

TEXT = '''\
# a comment = 1
top = 1  # [not.a.header]

[server]
host = "a # not a comment"
"port" = 9100
'tls key' = """
line = 2 of a text
[nothing] \\""" "" still
"""
origins = [  # why
  "a",

  "b", "]",
  [ 'c',
    "d" ],
]
log.level = 'C:\\'
after = 1979-05-27 07:32:00

[a."b.c".d]
x = { y = 1, z = [ 1,
  2 ] }

[[list]]
k = 1
[[list]]
k = 2
[list.sub]
s = \'\'\'
x = 1\'\'\'\'\'
t = ""
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("server",), 4),
        (("server", "host"), 5),
        (("server", "port"), 6),
        (("server", "tls key"), 7),
        (("server", "origins"), 11),
        (("server", "origins", 0), 12),
        (("server", "origins", 1), 14),
        (("server", "origins", 2), 14),
        (("server", "origins", 3), 15),
        (("server", "origins", 3, 1), 16),
        (("server", "log", "level"), 18),
        (("server", "after"), 19),
        (("a",), 21),
        (("a", "b.c", "d"), 21),
        (("a", "b.c", "d", "x", "y"), 22),
        (("a", "b.c", "d", "x", "z", 1), 23),
        (("list",), 25),
        (("list", 0, "k"), 26),
        (("list", 1), 27),
        (("list", 1, "k"), 28),
        (("list", 1, "sub", "s"), 30),
        (("list", 1, "sub", "t"), 32),
    ],
)
def test_every_kind_of_key_has_its_line(path: Path, line: int) -> None:
    tomllib.loads(TEXT)

    assert lines_of(TEXT)[path] == line


def test_nothing_inside_a_text_or_a_comment_is_taken_for_a_key() -> None:
    assert set(_paths(tomllib.loads(TEXT))) | {("list",)} == set(lines_of(TEXT)) | {("list",)}


def test_line_ends_of_windows_count_once() -> None:
    assert lines_of("a = 1\r\n[s]\r\nb = 2\r\n")[("s", "b")] == 3


def test_the_last_line_needs_no_end() -> None:
    assert lines_of("a = 1\nb = 2")[("b",)] == 2


def test_a_path_without_a_line_has_that_of_the_table_around_it() -> None:
    lines = lines_of("\n[server]\nport = 1\n")

    assert line_of(lines, ("server", "nothing", 3)) == 2
    assert line_of(lines, ("nothing",)) is None


def test_a_broken_text_ends_the_search_in_silence() -> None:
    assert lines_of('a = 1\nb = "') == {("a",): 1, ("b",): 2}
    assert lines_of("a = " + "[" * 5000)[("a",)] == 1


@given(st.text(alphabet="ab=.#,[]{}'\"\\\n \t1"))
def test_any_text_at_all_comes_to_an_end(text: str) -> None:
    assert all(line <= text.count("\n") + 1 for line in lines_of(text).values())


def _paths(value: Any, path: Path = ()) -> list[Path]:
    """Return the path of everything in a parsed TOML document."""
    paths = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        paths += _paths(item, (*path, key))
    return paths


_texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
_values = st.recursive(
    st.integers() | st.booleans() | st.floats(allow_nan=False) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


def _toml(value: Any, line_end: str) -> str:
    """Write a value as TOML; lists are spread over lines."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(key, ensure_ascii=False)} = {_toml(item, ' ')}" for key, item in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(f"{line_end}{_toml(item, line_end)}" for item in value) + "]"
    if isinstance(value, float):
        return repr(value) if value not in (float("inf"), float("-inf")) else "inf"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@given(st.dictionaries(_texts, st.dictionaries(_texts, _values, max_size=4), max_size=4))
def test_any_document_has_a_line_for_each_key_and_the_key_is_in_that_line(document: dict[str, dict[str, Any]]) -> None:
    lines: list[str] = []
    expected: dict[Path, int] = {}
    for section, table in document.items():
        lines.append(f"[{json.dumps(section, ensure_ascii=False)}]")
        expected[(section,)] = len(lines)
        for key, value in table.items():
            expected[(section, key)] = len(lines) + 1
            lines += f"{json.dumps(key, ensure_ascii=False)} = {_toml(value, chr(10))} # x = [".split("\n")
    text = "\n".join(lines)

    found = lines_of(text)

    assert {path: line for path, line in found.items() if path in expected} == expected
    assert set(found) == set(_paths(tomllib.loads(text)))

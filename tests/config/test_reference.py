"""The configuration in print."""

from pathlib import Path

import pytest

from arqonbus.config import Override, load
from arqonbus.config.keys import all_keys
from arqonbus.config.reference import effective, in_sections, replace_table, table

DOCUMENT = Path(__file__).parents[2] / "docs" / "CONFIGURATION.md"


def test_the_documented_table_is_the_one_made_from_the_structs() -> None:
    """Mend it with: python -m arqonbus.config.reference docs/CONFIGURATION.md"""
    document = DOCUMENT.read_text("utf-8")

    assert replace_table(document) == document


def test_the_table_has_a_row_for_every_key() -> None:
    assert table().count("\n| `") == len(all_keys())


def test_the_example_file_of_the_document_is_valid(tmp_path: Path) -> None:
    example = DOCUMENT.read_text("utf-8").split("```toml\n")[1].split("```")[0]
    path = tmp_path / "example.toml"
    path.write_text(example)

    assert load([], {}, str(path)).settings.channels.predefined[1].history_limit == 10_000


def test_the_effective_values_say_where_each_came_from_and_show_no_secret() -> None:
    loaded = load([Override("--port", "server.port", "1")], {"ARQONBUS_AUTH_KEYS": '{"alice": "hush"}'})

    rows = {row.key: (row.value, row.origin) for row in effective(loaded)}

    assert set(rows) == set(all_keys())
    assert rows["server.port"] == (1, "--port")
    assert rows["auth.keys"] == ({"alice": "***"}, "environment ARQONBUS_AUTH_KEYS")
    assert rows["auth.anonymous"] == (False, "default")
    assert rows["redis.url"] == ("", "default")


def test_the_effective_values_nest_as_the_file_does() -> None:
    sections = in_sections(effective(load([], {"ARQONBUS_CHANNELS_PREDEFINED": "a:b"})))

    assert sections["server"]["port"] == 9100
    assert sections["channels"]["predefined"][0]["room"] == "a"


def test_a_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the marks"):
        replace_table("# Configuration\n")

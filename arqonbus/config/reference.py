"""The configuration in print: the reference table of the documentation, and effective values with their origin.

``python -m arqonbus.config.reference docs/CONFIGURATION.md`` writes the table into the document, between its marks.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct

from arqonbus.config.keys import Key, all_keys, section_names
from arqonbus.config.load import Loaded
from arqonbus.config.settings import MASK, Settings

__all__ = ["Row", "effective", "in_sections", "replace_table", "table"]

BEGIN = "<!-- begin: made by python -m arqonbus.config.reference -->"
END = "<!-- end -->"


class Row(Struct, frozen=True):
    """One effective value, fit to be shown."""

    key: str
    """Dotted name."""
    value: Any
    """JSON types only; secrets are masked."""
    origin: str
    """Where it came from."""


def effective(loaded: Loaded) -> list[Row]:
    """Return every key with its value, masked where secret, and its origin."""
    values = msgspec.to_builtins(loaded.settings)
    return [
        Row(name, _masked(key, values[key.section][key.field]), loaded.origins[name])
        for name, key in all_keys().items()
    ]


def in_sections(rows: list[Row]) -> dict[str, dict[str, Any]]:
    """Return the values as the configuration file nests them: section -> key -> value."""
    sections: dict[str, dict[str, Any]] = {}
    for row in rows:
        section, _, field = row.key.partition(".")
        sections.setdefault(section, {})[field] = row.value
    return sections


def table() -> str:
    """Return the reference of all sections and keys as Markdown."""
    keys = all_keys()
    return "\n".join(_section(section, keys) for section in section_names()).rstrip("\n")


def replace_table(document: str) -> str:
    """Return the document with the table between its marks made anew.

    Raises:
        ValueError: a mark is missing
    """
    before, _, rest = document.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"expected the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def _masked(key: Key, value: Any) -> Any:
    if not key.is_secret or not value:
        return value
    return dict.fromkeys(value, MASK) if isinstance(value, Mapping) else MASK


def _section(section: str, keys: Mapping[str, Key]) -> str:
    doc: str = get_type_hints(Settings)[section].__doc__ or ""
    about = doc.split("\n")[0].partition(": ")[2]
    lines = [f"### [{section}]", "", f"{about[:1].upper()}{about[1:]}", ""]
    lines += ["| key | type and range | default | meaning |", "|---|---|---|---|"]
    for key in keys.values():
        if key.section == section:
            lines.append(f"| `{key.field}` | {_cell(key.expects)} | {_default(key)} | {_cell(key.meaning)} |")
    return "\n".join(lines) + "\n"


def _default(key: Key) -> str:
    if key.default is None:
        return "not set"
    return f"`{json.dumps(key.default)}`"


def _cell(text: str) -> str:
    """Escape what would end a cell."""
    return text.replace("|", "\\|")


def _main() -> None:
    """Write the table into the document that the command line names."""
    path = Path(sys.argv[1])
    path.write_text(replace_table(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    _main()

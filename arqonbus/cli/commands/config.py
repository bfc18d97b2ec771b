"""``arqonbus config``: show the effective configuration and where each value comes from."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.parser import Parser
from arqonbus.cli.kit.settings import add_json_flag, add_setting_flags, load_or_tell
from arqonbus.cli.kit.terminal import has_colour, painted

if TYPE_CHECKING:
    from arqonbus.config.reference import Row

__all__ = ["add", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus config --config arqonbus.toml", "what run would use; secrets are not shown")
    parser.add_example("arqonbus config --json", "the same, for programs")
    add_setting_flags(parser)
    add_json_flag(parser)


def run(options: argparse.Namespace) -> int:
    """Show it."""
    loaded = load_or_tell(options)
    if loaded is None:
        return Exit.USAGE
    from arqonbus.config.reference import effective, in_sections

    rows = effective(loaded)
    if options.json:
        origins = {row.key: row.origin for row in rows}
        print(json.dumps({"file": loaded.file, "settings": in_sections(rows), "origins": origins}, indent=2))
    else:
        print(_table(rows, has_colour(sys.stdout)))
    return Exit.OK


def _table(rows: "list[Row]", colour: bool) -> str:
    """Return key, value and origin in columns; what somebody set stands out."""
    cells = [(row.key, json.dumps(row.value), row.origin) for row in rows]
    key_width = max(len(key) for key, _, _ in cells)
    value_width = min(40, max(len(value) for _, value, _ in cells))
    lines = []
    for key, value, origin in cells:
        line = f"{key:<{key_width}}  {value:<{value_width}}  {origin}"
        lines.append(painted(line, "dim" if origin == "default" else "bold", colour))
    return "\n".join(lines)

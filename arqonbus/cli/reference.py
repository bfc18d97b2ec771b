"""The commands in print: what docs/CLI.md says of each, made from the parsers.

``python -m arqonbus.cli.reference docs/CLI.md`` writes it into the document, between its marks.
"""

import os
import sys
from pathlib import Path

from arqonbus.cli.kit.exits import MEANINGS
from arqonbus.cli.table import COMMANDS, parser_of

__all__ = ["pages", "replace_pages"]

BEGIN = "<!-- begin: made by python -m arqonbus.cli.reference -->"
END = "<!-- end -->"

COLUMNS = "100"
"""Width of the help in print."""


def pages() -> str:
    """Return the exit codes and the help of every command as Markdown."""
    lines = ["## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {int(code)} | {meaning} |" for code, meaning in MEANINGS.items()]
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = COLUMNS  # argparse asks for nothing else
    try:
        for name, row in COMMANDS.items():
            help = parser_of(name).format_help().rstrip()
            lines += ["", f"## arqonbus {name}", "", f"{row.meaning[:1].upper()}{row.meaning[1:]}.", "", "```text"]
            lines += [help.partition("\n\n")[2], "```"]
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return "\n".join(lines)


def replace_pages(document: str) -> str:
    """Return the document with the pages between its marks made anew.

    Raises:
        ValueError: a mark is missing
    """
    before, _, rest = document.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"expected the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{pages()}\n\n{END}{after}"


def _main() -> None:
    """Write the pages into the document that the command line names."""
    path = Path(sys.argv[1])
    path.write_text(replace_pages(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    _main()

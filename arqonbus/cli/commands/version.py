"""``arqonbus version``: show the versions of arqonbus and what it runs on."""

import argparse
import json
import platform

from arqonbus import __version__
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.parser import Parser
from arqonbus.cli.kit.settings import add_json_flag

__all__ = ["PROTOCOL_VERSION", "add", "run"]

PROTOCOL_VERSION = "1.0"
"""As in ``arqonbus.protocol``, which is too slow to import here; a test compares."""


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus version", "for people, and for a report of a fault")
    parser.add_example("arqonbus version --json", "for programs")
    add_json_flag(parser)


def run(options: argparse.Namespace) -> int:
    """Tell the versions."""
    versions: dict[str, str | None] = {
        "arqonbus": __version__,
        "python": platform.python_version(),
        "protocol": PROTOCOL_VERSION,
    }
    versions |= {name: _installed(name) for name in ("uvloop", "websockets", "msgspec")}
    if options.json:
        print(json.dumps(versions))
    else:
        print("\n".join(f"{name:<10} {version or 'not installed'}" for name, version in versions.items()))
    return Exit.OK


def _installed(name: str) -> str | None:
    """Return the version of a package without importing it, or None."""
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

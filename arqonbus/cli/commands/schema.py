"""``arqonbus schema``: print the JSON Schemas of the protocol, and of what ``--json`` writes."""

import argparse
import json
from typing import Any, Final

from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.parser import Parser

__all__ = ["NAMES", "add", "run"]

NAMES: Final = ("inbound", "outbound", "commands", "output")


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus schema inbound > inbound.json", "a message that a client sends")
    parser.add_example("arqonbus schema outbound", "a message that the server sends, with every payload")
    parser.add_example("arqonbus schema commands", "args and result of each command")
    parser.add_example("arqonbus schema output", "what the commands of this program write with --json")
    parser.add_argument(
        "name", metavar="NAME", nargs="?", choices=NAMES, help=f"{', '.join(NAMES)}; default: all, in one object"
    )


def run(options: argparse.Namespace) -> int:
    """Print them."""
    schemas = {options.name: _schema(options.name)} if options.name else {name: _schema(name) for name in NAMES}
    print(json.dumps(schemas[options.name] if options.name else schemas, indent=2))
    return Exit.OK


def _schema(name: str) -> dict[str, Any]:
    import msgspec

    from arqonbus.cli.kit.records import RECORDS
    from arqonbus.protocol.schema import SCHEMAS

    if name in SCHEMAS:
        return SCHEMAS[name]()
    schemas, definitions = msgspec.json.schema_components(RECORDS, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:arqonbus:v1:output",
        "title": "ArqonBus command line: one object of --json",
        "anyOf": list(schemas),
        "$defs": definitions,
    }

"""JSON Schema (2020-12) of the wire, made from the structs: what a client may send, what the server may send, and
the args and result of each command.

Objects of clients are closed (a typo is an error), those of the server are open: a client ignores what it does not
know. Two rules are outside of what a schema says: integers are written without fraction, and strings hold no lone
surrogates. `contracts/v1` has them as files: `python -m arqonbus.protocol.schema contracts/v1` writes them.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec

from arqonbus.protocol.activities import ACTIVITIES
from arqonbus.protocol.envelope import Envelope, Outbound
from arqonbus.protocol.payloads import COMMANDS, SYSTEM_PAYLOADS

__all__ = ["SCHEMAS", "Schema", "command_schemas", "commands", "files", "inbound", "outbound", "text"]

Schema: TypeAlias = dict[str, Any]  # Any: JSON of any shape, that is what a schema is

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_OUT: Final = "out."  # before names of the server's objects where a document holds the client's too


def inbound() -> Schema:
    """Make the schema of one message of a client."""
    (schema,), definitions = _closed([Envelope])
    return {**_heading("inbound", "a message from a client"), **schema, "$defs": definitions}


def outbound() -> Schema:
    """Make the schema of one message of the server; `$defs` has the payload of each system event and activity too."""
    schemas, definitions = _open([Outbound, *SYSTEM_PAYLOADS.values(), *ACTIVITIES.values()])
    return {**_heading("outbound", "a message from the server"), **schemas[0], "$defs": definitions}


def commands() -> Schema:
    """Make the schema of all commands: `properties` has one entry a command, with its args and its result."""
    args, args_definitions = _closed([shape.args for shape in COMMANDS.values()])
    results, result_definitions = _open([shape.result for shape in COMMANDS.values()], _OUT)
    rows = zip(COMMANDS.items(), args, results, strict=True)
    return {
        **_heading("commands", "args and result of each command"),
        "type": "object",
        "properties": {name: _command(arg, result, shape.permission) for (name, shape), arg, result in rows},
        "$defs": args_definitions | result_definitions,
    }


def command_schemas(name: str) -> tuple[Schema, Schema]:
    """Make the schemas of one command's args and result, each of which stands alone. Costs up to a millisecond.

    Raises:
        KeyError: there is no such command
    """
    shape = COMMANDS[name]
    return _alone(_closed, shape.args), _alone(_open, shape.result)


SCHEMAS: Final[Mapping[str, Callable[[], Schema]]] = MappingProxyType(
    {"inbound": inbound, "outbound": outbound, "commands": commands}
)
"""Each document there is, by the last word of its `$id`."""


def text(name: str) -> str:
    """Write a document as it is published. Raises KeyError: SCHEMAS has none of that name."""
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"


def files() -> Mapping[str, str]:
    """Write every document, by the name of its file in `contracts/v1`."""
    return {f"{name}.schema.json": text(name) for name in SCHEMAS}


def _heading(name: str, title: str) -> Schema:
    return {"$schema": _DIALECT, "$id": f"urn:arqonbus:v1:{name}", "title": f"ArqonBus protocol v1: {title}"}


def _command(args: Schema, result: Schema, permission: str | None) -> Schema:
    return {
        "type": "object",
        "properties": {"args": args, "result": result, "permission": {"const": permission}},
        "required": ["args", "result", "permission"],
    }


def _alone(make: Callable[[Iterable[Any]], tuple[list[Schema], Schema]], kind: type[msgspec.Struct]) -> Schema:
    _, definitions = make([kind])
    own: Schema = definitions.pop(kind.__name__)
    return {**own, "$defs": definitions} if definitions else own


def _closed(kinds: Iterable[Any]) -> tuple[list[Schema], Schema]:  # Any: a union of structs has no type of its own
    schemas, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    return [_plain(schema, "discriminator") for schema in schemas], _plain(definitions, "discriminator")


def _open(kinds: Iterable[Any], prefix: str = "") -> tuple[list[Schema], Schema]:
    schemas, definitions = msgspec.json.schema_components(kinds, ref_template=f"#/$defs/{prefix}{{name}}")
    named = {prefix + name: definition for name, definition in definitions.items()}
    without = ("discriminator", "additionalProperties")
    return [_plain(schema, *without) for schema in schemas], _plain(named, *without)


def _plain(node: Any, *without: str) -> Any:  # Any: any part of a schema
    """Leave words out, and turn a list of words that may grow into plain text with examples.

    `discriminator` is a word of OpenAPI that strict readers of JSON Schema refuse.
    """
    if isinstance(node, list):
        return [_plain(item, *without) for item in node]
    if not isinstance(node, dict):
        return node
    if "x-open" in node:
        return {"type": "string", "examples": node["enum"]}
    return {key: _plain(value, *without) for key, value in node.items() if key not in without}


if __name__ == "__main__":
    for _file, _text in files().items():
        Path(sys.argv[1], _file).write_text(_text, "utf-8")

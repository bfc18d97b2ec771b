"""Writes the wire types of the TypeScript SDK from the structs that the server reads and writes.

Usage: python generate_types.py [--check]. Needs the package `arqonbus` to be importable. With --check nothing is
written; the exit code is 1 when a file is not what it should be. A test does the same.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from arqonbus.protocol import schema
from arqonbus.protocol.codes import CLOSE_CODES, ERRORS
from arqonbus.protocol.payloads import SYSTEM_PAYLOADS, BroadcastResult, EventResult, PrivateResult

FOLDER = Path(__file__).resolve().parents[1]
HEADING = "// Made by scripts/generate_types.py from the server's own types. Not to be edited.\n"
ANSWERS = {"event": EventResult, "private": PrivateResult, "broadcast": BroadcastResult}
"""What the result of an acknowledged message is."""


def files() -> dict[Path, str]:
    """Each generated file with its text."""
    return {FOLDER / "src" / "wire.ts": wire(), FOLDER / "test" / "kit" / "tables.ts": tables()}


def wire() -> str:
    """The types of everything that travels."""
    out, inside, commands = schema.outbound(), schema.inbound(), schema.commands()
    schemas, answers = msgspec.json.schema_components(ANSWERS.values(), ref_template="#/$defs/{name}")
    types: dict[str, str] = {}
    for definitions in (out["$defs"], answers, commands["$defs"], _sent(inside["$defs"])):
        for name, definition in definitions.items():
            types.setdefault(_name(name), _declaration(_name(name), definition))
    lines = [HEADING]
    lines += [types[name] for name in sorted(types)]
    lines.append(_table("Commands", "Args and result of every command of the server.", _rows(commands)))
    lines.append(_table("Answers", "What an acknowledged message is answered with.", _pairs(ANSWERS, schemas)))
    lines.append(_table("SystemPayloads", "The payload of each system event.", _payloads()))
    lines.append(f"/** A message from the server. */\nexport type Outbound = {_union(out)};\n")
    sent = " | ".join(f"{name}In" for name in inside["$defs"])
    lines.append(f"/** A message from a client. */\nexport type Inbound = {sent};\n")
    codes = " | ".join(json.dumps(code) for code in ERRORS)
    lines.append(f"/** Codes of refusals; a client must expect new ones. */\nexport type ErrorCode = {codes};\n")
    return "\n".join(lines)


def tables() -> str:
    """The server's tables of codes, for tests that go through every row."""
    closes = {code: row.reconnect for code, row in CLOSE_CODES.items()}
    errors = {code: row.retryable for code, row in ERRORS.items()}
    return (
        f"{HEADING}\nexport const CLOSE_CODES: Record<number, string> = {json.dumps(closes, indent=2)};\n"
        f"\nexport const ERRORS: Record<string, boolean> = {json.dumps(errors, indent=2)};\n"
    )


def _name(name: str) -> str:
    return name.removeprefix("out.")


def _sent(definitions: dict[str, Any]) -> dict[str, Any]:
    """Envelopes of clients with the fields that have a meaning, under names that are not those of the browser."""
    return {f"{name}In": _meaningful(definition) for name, definition in definitions.items()}


def _meaningful(definition: dict[str, Any]) -> dict[str, Any]:
    without = {"from", "timestamp", "seq"}
    fields = definition["properties"]
    kept = {key: kind for key, kind in fields.items() if key not in without and kind.get("type") != "null"}
    return {**definition, "properties": kept}


def _rows(commands: dict[str, Any]) -> list[tuple[str, str]]:
    rows = commands["properties"].items()
    return [
        (name, f"{{ args: {_type(row['properties']['args'])}; result: {_type(row['properties']['result'])} }}")
        for name, row in rows
    ]


def _pairs(names: Any, schemas: Any) -> list[tuple[str, str]]:
    return [(name, _type(found)) for name, found in zip(names, schemas, strict=True)]


def _payloads() -> list[tuple[str, str]]:
    return [(event, kind.__name__) for event, kind in SYSTEM_PAYLOADS.items()]


def _table(name: str, words: str, rows: list[tuple[str, str]]) -> str:
    body = "".join(f"  {row}: {kind};\n" for row, kind in rows)
    return f"/** {words} */\nexport interface {name} {{\n{body}}}\n"


def _union(document: dict[str, Any]) -> str:
    return " | ".join(_type(choice) for choice in document["anyOf"])


def _declaration(name: str, definition: dict[str, Any]) -> str:
    words = definition.get("description", name).replace("*/", "* /")
    required = definition.get("required", [])
    fields = definition.get("properties", {})
    if not fields:
        return f"/** {words} */\nexport type {name} = Record<string, never>;\n"
    body = "".join(f"  {key}{'' if key in required else '?'}: {_type(kind)};\n" for key, kind in fields.items())
    return f"/** {words} */\nexport interface {name} {{\n{body}}}\n"


def _type(node: dict[str, Any]) -> str:
    if "$ref" in node:
        return _name(node["$ref"].rpartition("/")[2])
    if "anyOf" in node:
        return " | ".join(dict.fromkeys(_type(choice) for choice in node["anyOf"]))
    if "const" in node:
        return json.dumps(node["const"])
    if node.get("x-open") or "examples" in node:
        words = node.get("enum") or node["examples"]
        return " | ".join([*(json.dumps(word) for word in sorted(words)), "(string & {})"])
    if "enum" in node:
        return " | ".join(json.dumps(word) for word in node["enum"])
    return _plain(node)


def _plain(node: dict[str, Any]) -> str:
    kind = node.get("type")
    if isinstance(kind, list):
        return " | ".join(_plain({**node, "type": one}) for one in kind)
    if kind == "array":
        return _array(node)
    if kind == "object":
        inner = node.get("additionalProperties")
        return f"Record<string, {_type(inner) if isinstance(inner, dict) else 'unknown'}>"
    words = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}
    return words.get(str(kind), "unknown")


def _array(node: dict[str, Any]) -> str:
    items = node.get("items")
    inner = _type(items) if isinstance(items, dict) and items else "unknown"
    return f"({inner})[]" if " " in inner and not inner.startswith("Record") else f"{inner}[]"


def main() -> int:
    """Write the files, or compare them."""
    stale = [path for path, text in files().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(FOLDER)} is stale: run python sdk/js/scripts/generate_types.py\n")
        return 1 if stale else 0
    for path in stale:
        path.write_text(files()[path], "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

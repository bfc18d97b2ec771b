"""Schema: whole, without words that only OpenAPI knows, and saying what the codec does."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arqonbus.protocol.payloads import COMMANDS
from arqonbus.protocol.schema import SCHEMAS, command_schemas, commands, files, inbound, outbound

CONTRACTS = Path(__file__).parents[2] / "contracts" / "v1"
DOCUMENTS = {name: make() for name, make in SCHEMAS.items()}


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    if isinstance(node, list):
        for value in node:
            yield from walk(value)


@pytest.mark.parametrize("name", ["inbound", "outbound", "commands"])
def test_a_document_has_its_heading(name: str) -> None:
    assert DOCUMENTS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert DOCUMENTS[name]["$id"] == f"urn:arqonbus:v1:{name}"
    assert DOCUMENTS[name]["title"].startswith("ArqonBus protocol v1: ")


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_every_reference_resolves(document: dict[str, Any]) -> None:
    references = [node["$ref"] for node in walk(document) if "$ref" in node]

    assert references
    assert {reference.removeprefix("#/$defs/") for reference in references} <= set(document["$defs"])


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_no_word_of_another_language_is_left(document: dict[str, Any]) -> None:
    assert not [node for node in walk(document) if "discriminator" in node or "x-open" in node]


def test_objects_of_clients_are_closed() -> None:
    definitions = inbound()["$defs"]

    assert set(definitions) == {"Event", "Private", "Broadcast", "Command"}
    assert all(definition["additionalProperties"] is False for definition in definitions.values())


def test_objects_of_the_server_are_open() -> None:
    assert not [node for node in walk(outbound()) if node.get("additionalProperties") is False]
    results = [name for name in commands()["$defs"] if name.startswith("out.")]
    assert not [node for name in results for node in walk(commands()["$defs"][name]) if "additionalProperties" in node]


def test_lists_of_words_that_may_grow_are_open() -> None:
    event = outbound()["$defs"]["System"]["properties"]["event"]

    assert event["type"] == "string"
    assert "welcome" in event["examples"]


def test_an_event_is_described() -> None:
    event = inbound()["$defs"]["Event"]

    assert event["required"] == ["type", "room"]
    assert event["properties"]["payload"] == {}
    assert event["properties"]["metadata"] == {"type": ["object", "null"]}
    assert event["properties"]["to"] == {"type": "null", "default": None}


def test_the_patterns_read_alike_in_other_languages() -> None:
    patterns = {node["pattern"] for node in walk(DOCUMENTS) if isinstance(node.get("pattern"), str)}

    assert len(patterns) == 4
    assert not [pattern for pattern in patterns if "$" in pattern or "\\Z" in pattern or "(?P" in pattern]
    assert all(re.search(pattern, "science") and not re.search(pattern, "science\n") for pattern in patterns)


def test_commands_has_a_row_for_each_command() -> None:
    rows = commands()["properties"]

    assert list(rows) == list(COMMANDS)
    assert rows["history"]["properties"]["permission"] == {"const": "history"}
    assert rows["history"]["properties"]["args"] == {"$ref": "#/$defs/HistoryArgs"}
    assert rows["history"]["properties"]["result"] == {"$ref": "#/$defs/out.HistoryResult"}


def test_the_schemas_of_a_command_without_args() -> None:
    args, result = command_schemas("ping")

    assert args == {
        "title": "NoArgs",
        "description": "Args of a command that takes none.",
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }
    assert result["required"] == ["time"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_schemas_of_a_command_stand_alone_and_can_be_written(name: str) -> None:
    for schema in command_schemas(name):
        references = {node["$ref"].removeprefix("#/$defs/") for node in walk(schema) if "$ref" in node}

        assert references <= set(schema.get("$defs", {}))
        assert json.loads(msgspec.json.encode(schema)) == schema


def test_a_command_that_is_not_there_has_no_schemas() -> None:
    with pytest.raises(KeyError):
        command_schemas("explain")


@pytest.mark.proves("019/FR-008")
def test_the_published_files_are_what_the_code_says() -> None:
    published = {path.name: path.read_text("utf-8") for path in CONTRACTS.glob("*.schema.json")}

    assert published == dict(files()), "run: python -m arqonbus.protocol.schema contracts/v1"

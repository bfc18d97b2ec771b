"""The vectors are what the contract is: they agree with the schemas, cover every word of it, and only grow."""

import json
import subprocess
from typing import Any

import jsonschema
import pytest

from arqonbus.protocol import schema
from arqonbus.protocol.codes import ERRORS
from arqonbus.protocol.payloads import COMMANDS, SYSTEM_PAYLOADS
from arqonbus.testing.conformance.matching import PATTERNS, captures, filled_in
from arqonbus.testing.conformance.vectors import FOLDER, FrameVector, SessionVector, frames, sessions
from tests.specs.spec_loader import ROOT, requirements, spec_paths

Frame = dict[str, Any]

SAID = [vector for vector in frames() if vector.direction == "client"]
HEARD = [vector for vector in frames() if vector.direction == "server"]
SAMPLES = {"$text": "text", "$number": 1, "$time": "2026-11-21T19:00:00.123Z", "$any": None, "$schema": {}}

PROVOKED_BY_CASES = frozenset({"limit_exceeded", "too_large", "unauthenticated"})
NOT_PROVOKED = frozenset({"internal", "overloaded", "rate_limited", "timeout", "unavailable"})
"""Codes that no client can provoke at will from a server that is well."""

BEYOND_A_SCHEMA = (
    *("fraction", "exponent", "lone surrogate", "low surrogate", "levels of nesting"),  # rules of JSON
    *("4,097 bytes", "set_will without a channel", "beside a channel", "major version", "version that is no"),
    *("with a final line feed", "join_channel without a channel", "leave_channel without", "history without a channel"),
    *("no channel", "event to all", "whole room with", "with a group", "of nobody"),
)
"""Rules that stand in docs/PROTOCOL.md only: a schema cannot say them, or says them of one field at a time."""


def name_of(vector: Any) -> str:
    return str(vector.name)


def is_valid(document: schema.Schema, value: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(document).is_valid(value))


INBOUND, OUTBOUND, ALL_COMMANDS = schema.inbound(), schema.outbound(), schema.commands()


def of_command(name: str, part: str) -> schema.Schema:
    return {"$defs": ALL_COMMANDS["$defs"], **ALL_COMMANDS["properties"][name]["properties"][part]}


def is_right(frame: Any) -> bool:
    """Whether the schemas take a frame of a client."""
    if not is_valid(INBOUND, frame):
        return False
    if frame["type"] != "command":
        return True
    command = frame["command"]
    return command in COMMANDS and is_valid(of_command(command, "args"), frame.get("args") or {})


# --- the files


def test_names_are_unique_and_each_vector_proves_a_requirement_that_there_is() -> None:
    known = {name for path in spec_paths() for name in requirements(path)}

    for vectors in (frames(), sessions()):
        names = [vector.name for vector in vectors]
        assert len(names) == len(set(names))
        assert [vector.name for vector in vectors if vector.proves not in known] == []
        assert {vector.since for vector in vectors} <= {"1.0"}


@pytest.mark.proves("019/FR-007")
def test_the_vectors_of_the_newest_tag_are_all_here_and_the_same() -> None:
    """Within version 1 they only grow: what conformed stays conforming."""
    tags = _git("tag", "--list", "v*", "--sort=-version:refname").split()
    if not tags:
        pytest.skip("there is no tag yet, so nothing was promised")
    for name in ("frames.json", "sessions.json"):
        path = f"contracts/v1/vectors/{name}"
        is_there = _git("ls-tree", "--name-only", tags[0], path).strip()
        before = json.loads(_git("show", f"{tags[0]}:{path}")) if is_there else []
        now = {vector["name"]: vector for vector in json.loads((FOLDER / "vectors" / name).read_text("utf-8"))}
        assert [vector["name"] for vector in before if now.get(vector["name"]) != vector] == []


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


# --- frames


@pytest.mark.parametrize("vector", [vector for vector in SAID if vector.valid], ids=name_of)
def test_the_schemas_take_every_right_frame_of_a_client(vector: FrameVector) -> None:
    assert is_right(json.loads(vector.text.replace("$room", "science")))


@pytest.mark.parametrize("vector", [vector for vector in SAID if not vector.valid], ids=name_of)
def test_the_schemas_refuse_every_wrong_frame_that_they_can_know(vector: FrameVector) -> None:
    if any(words in vector.name for words in BEYOND_A_SCHEMA):
        return
    try:
        frame = json.loads(vector.text.replace("$room", "science"), parse_constant=_no_constant)
    except ValueError:
        assert vector.code == "invalid_json"
        return
    assert not is_right(frame)


def _no_constant(word: str) -> None:
    raise ValueError(word)


@pytest.mark.parametrize("vector", [vector for vector in HEARD if vector.valid], ids=name_of)
def test_the_schemas_take_every_frame_of_the_server(vector: FrameVector) -> None:
    frame = json.loads(vector.text)
    if frame["type"] == "of_a_later_version":
        return
    assert is_valid(OUTBOUND, frame)
    command = vector.name.removeprefix("server: the answer to ").partition(",")[0].partition(" ")[0]
    if frame["type"] == "response" and frame["status"] == "ok" and command in COMMANDS:
        assert is_valid(of_command(command, "result"), frame["result"])


# --- sessions


@pytest.mark.parametrize("vector", sessions(), ids=name_of)
def test_a_session_says_and_expects_whole_frames(vector: SessionVector) -> None:
    """Whole, so that a fake server can be driven by it, and `$`-names are captured before they are said."""
    asked: dict[tuple[str, str], str] = {}
    known = {f"${step.at}" for step in vector.steps}
    for step in vector.steps:
        if step.send is not None:
            assert captures(step.send) <= known, step
            frame = filled_in(step.send, {"$room": "science", **dict.fromkeys(captures(step.send), "x")})
            if not vector.raw:
                assert is_right(frame) or frame["command"] == "fly" or "fast" in frame["args"], step
            if frame["type"] == "command":
                asked[step.at, frame["id"]] = frame["command"]
        for want in step.expect if isinstance(step.expect, list) else [step.expect] if step.expect else []:
            known |= captures(want)
            if not vector.raw:
                _check_whole(want, asked.get((step.at, want.get("request_id", ""))))


def _check_whole(want: Frame, command: str | None) -> None:
    frame = _without_absent(filled_in(want, {"$room": "science", **SAMPLES, **dict.fromkeys(captures(want), "x")}))
    assert is_valid(OUTBOUND, frame), frame
    if command is not None and frame["status"] == "ok":
        result = frame["result"]
        is_whole = is_valid(of_command(command, "result"), result)
        # `$any` stands for lists too, and an anonymous user is null: the fake server knows better than the sample.
        assert is_whole or "$any" in json.dumps(want) or "$user" in json.dumps(want), frame


def _without_absent(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_absent(inner) for key, inner in value.items() if inner != "$absent"}
    return [_without_absent(inner) for inner in value] if isinstance(value, list) else value


# --- whether anything is left out


@pytest.mark.proves("019/SC-003")
def test_every_type_command_event_and_code_has_its_vectors() -> None:
    heard = [json.loads(vector.text) for vector in HEARD if vector.valid]
    said = [json.loads(vector.text) for vector in SAID if vector.valid]
    said_by = [step.send for vector in sessions() for step in vector.steps if step.send is not None]
    asked = {frame["command"] for frame in said_by if "command" in frame}
    expected = json.dumps([step.expect for vector in sessions() for step in vector.steps if step.expect])

    assert {frame["type"] for frame in said} == {"event", "private", "broadcast", "command"}
    assert {frame["type"] for frame in heard} >= {"event", "private", "broadcast", "response", "system", "telemetry"}
    assert {frame["command"] for frame in said if frame["type"] == "command"} == set(COMMANDS)
    assert asked >= set(COMMANDS) - {"kick"}
    assert {frame["event"] for frame in heard if frame["type"] == "system"} >= set(SYSTEM_PAYLOADS)
    assert {frame["error"]["code"] for frame in heard if "error" in frame} >= set(ERRORS)
    told = {vector.code for vector in SAID} | {code for code in ERRORS if f'"{code}"' in expected}
    assert set(ERRORS) - told == PROVOKED_BY_CASES | NOT_PROVOKED
    for reason in ("epoch_changed", "evicted", "disabled"):
        assert f'"reason": "{reason}"' in expected
    assert set(PATTERNS) >= {word for word in SAMPLES}

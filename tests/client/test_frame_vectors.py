"""The SDK reads every frame of the server, and writes every frame of a client, that the vectors have."""

import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from arqonbus.client.codec import Outgoing, Unreadable, read, write
from arqonbus.protocol.codec import decode
from arqonbus.testing.conformance.vectors import FrameVector, frames

HEARD = [vector for vector in frames() if vector.direction == "server"]
SAID = [vector for vector in frames() if vector.direction == "client" and vector.valid]
NEVER_WRITTEN = frozenset({"from", "timestamp", "seq"})
"""Fields that are the server's; a client that says them is ignored."""


def name_of(vector: FrameVector) -> str:
    return vector.name


@pytest.mark.proves("019/FR-006")
@pytest.mark.parametrize("vector", HEARD, ids=name_of)
def test_a_frame_of_the_server_is_read_as_it_says(vector: FrameVector) -> None:
    if not vector.valid:
        with pytest.raises(Unreadable):
            read(vector.text.encode())
        return
    said = json.loads(vector.text)
    got = read(vector.text.encode())

    if said["type"] == "of_a_later_version":
        assert got is None
        return
    assert got is not None
    fields = {field.encode_name: getattr(got, field.name) for field in msgspec.structs.fields(got)}
    for key in fields.keys() & said.keys():
        assert _plain(fields[key], said[key]) == said[key], key


def _plain(value: Any, wanted: Any) -> Any:
    if isinstance(value, Raw):
        return json.loads(bytes(value))
    built = msgspec.to_builtins(value)
    return {key: built[key] for key in wanted} if isinstance(wanted, dict) else built


@pytest.mark.proves("019/FR-006")
@pytest.mark.parametrize("vector", SAID, ids=name_of)
def test_a_frame_of_a_client_is_written_so_that_the_server_reads_the_same(vector: FrameVector) -> None:
    text = vector.text.replace("$room", "science").encode()
    wanted = {key: value for key, value in json.loads(text).items() if value is not None and key not in NEVER_WRITTEN}
    payload = decode(text)
    known = set(msgspec.structs.asdict(Outgoing("event", "x")))
    given = {key: value for key, value in wanted.items() if key in known - {"payload", "id", "to"}}
    if "payload" in wanted:
        given["payload"] = payload.payload
    if "to" in wanted:
        given["to"] = tuple(wanted["to"])

    written = write(Outgoing(id=wanted.get("id", "made"), **given))

    again = json.loads(written)
    for key in wanted.keys() - {"version", "ack"}:
        assert again[key] == wanted[key], key
    assert set(again) <= wanted.keys() | {"id"}
    decode(written)

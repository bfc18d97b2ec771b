"""The SDK plays the sessions of the contract: against a fake server driven by the vector, and against the real one."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from arqonbus.testing.conformance.vectors import SessionVector, sessions
from tests.client.session_player import Player, Script
from tests.specs.bus import Bus

SESSIONS = [vector for vector in sessions() if not vector.raw]


def name_of(vector: SessionVector) -> str:
    return vector.name


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    bus = Bus(tmp_path_factory.mktemp("sessions"))
    bus.start()
    yield bus
    bus.stop()


def test_most_sessions_are_for_sdks_too() -> None:
    assert len(SESSIONS) > 70


@pytest.mark.proves("019/FR-006")
@pytest.mark.parametrize("vector", SESSIONS, ids=name_of)
async def test_with_the_sides_swapped_the_sdk_says_and_gives_what_the_vector_has(vector: SessionVector) -> None:
    await Player("ws://fake/", "science", Script).play(vector)


class Liar(Script):
    """A fake server that says something else than the vector."""

    def says(self, want: dict[str, Any]) -> None:
        super().says({**want, "payload": "lie"} if want["type"] == "private" else want)


class Deaf(Script):
    """A fake server that hears something else than the SDK says."""

    async def send(self, text: bytes) -> None:
        await super().send(text.replace(b'"hi"', b'"ho"'))


@pytest.mark.parametrize("script", [Liar, Deaf])
async def test_what_is_not_as_the_vector_has_it_is_found(script: type[Script]) -> None:
    vector = next(vector for vector in SESSIONS if vector.name == "a private message reaches one client")

    with pytest.raises(AssertionError):
        await Player("ws://fake/", "science", script).play(vector)


@pytest.mark.integration
@pytest.mark.proves("019/FR-006")
@pytest.mark.parametrize("vector", SESSIONS, ids=name_of)
async def test_the_sdk_conforms_against_the_real_server(vector: SessionVector, server: Bus) -> None:
    await Player(server.url, f"conformance-{secrets.token_hex(4)}").play(vector)

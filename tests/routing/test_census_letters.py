import pytest
from msgspec import Raw

from arqonbus.protocol.payloads import MemberInfo, Profile
from arqonbus.routing.census_letters import CensusLetter, Delta, Full, Hello, RoomLetter, Told, read, write

ROW = MemberInfo("c-1", "ann", Profile("tool", data=Raw(b'{"n":1.10}')), "2026-11-21T19:00:00.000Z", "g")


@pytest.mark.parametrize(
    "letter",
    [
        Hello("n1"),
        Hello("n1", "n2"),
        Delta("n1", "l", 3, (Told("c", (ROW,), (("c-2", "kicked"),)), Told("*", crowd=300))),
        Full("n1", "l", 3, (Told("c", (ROW,), is_whole=True),)),
    ],
)
def test_a_letter_is_read_as_it_was_written(letter: CensusLetter) -> None:
    assert read(write(letter)) == letter


@pytest.mark.parametrize("data", [b"", b"{}", b'{"type":"new"}', write(RoomLetter("r", Raw(b"{}")))])
def test_what_is_not_known_is_nothing(data: bytes) -> None:
    assert read(data) is None

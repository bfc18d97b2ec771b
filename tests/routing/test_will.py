"""Wills: what may be one."""

import pytest
from msgspec import UNSET, Raw

from arqonbus.errors import Forbidden, InvalidArgs, TooLarge
from arqonbus.protocol.payloads import Will
from arqonbus.routing.will import WillRules
from arqonbus.security.gate import Action, Gate, Identity
from tests.commands.calls import Closed

ADA = Identity("c-1", "ada", False)
RULES = WillRules(Gate(), max_bytes=10)


def test_a_will_becomes_the_event_that_it_says() -> None:
    event = RULES.read(Will("r", "c", Raw(b'"gone"'), Raw(b"{}")), ADA)

    assert (event.room, event.channel, bytes(event.payload)) == ("r", "c", b'"gone"')
    assert (event.metadata, event.id, event.ack) == (Raw(b"{}"), None, None)


def test_room_and_channel_may_stand_in_one_field() -> None:
    event = RULES.read(Will("r:c"), ADA)

    assert (event.room, event.channel, bytes(event.payload), event.metadata) == ("r", "c", b"null", UNSET)


def test_metadata_of_null_is_none() -> None:
    assert RULES.read(Will("r", "c", metadata=Raw(b"null")), ADA).metadata is UNSET


@pytest.mark.parametrize(
    ("will", "words"),
    [
        (Will("r"), r"expected a channel, got none - at `\$\.args\.will\.channel`"),
        (Will("r", "*"), r"`\$\.args\.will\.channel`"),
        (Will("r r", "c"), r"`\$\.args\.will\.room`"),
        (Will("r", "c", metadata=Raw(b"[]")), r"expected `object \| null` - at `\$\.args\.will\.metadata`"),
    ],
)
def test_what_is_no_event_is_no_will(will: Will, words: str) -> None:
    with pytest.raises(InvalidArgs, match=words):
        RULES.read(will, ADA)


def test_a_will_may_be_as_large_as_the_bound_and_no_larger() -> None:
    assert RULES.read(Will("r", "c", Raw(b'"345678"'), Raw(b"{}")), ADA)
    with pytest.raises(
        TooLarge, match=r"expected at most 10 bytes of payload and metadata, got 11 - at `\$\.args\.will`"
    ):
        RULES.read(Will("r", "c", Raw(b'"3456789"'), Raw(b"{}")), ADA)


def test_who_may_not_publish_there_may_have_no_will_there() -> None:
    with pytest.raises(Forbidden):
        RULES.read(Will("_telemetry", "activity"), ADA)
    with pytest.raises(Forbidden):
        WillRules(Closed(Action.PUBLISH), 10).read(Will("r", "c"), ADA)


def test_what_is_kept_does_not_keep_the_message_that_brought_it() -> None:
    text = b'{"payload":"gone","much":"more"}'
    view = Raw(memoryview(text)[11:17])

    event = RULES.read(Will("r", "c", view), ADA)

    assert bytes(event.payload) == b'"gone"'
    assert event.payload is not view

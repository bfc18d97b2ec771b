"""Options, texts and numbers of durable groups, as they are written and read."""

import msgspec
import pytest

from arqonbus.errors import InvalidArgs
from arqonbus.protocol.names import is_name
from arqonbus.protocol.payloads import GroupOptions as Wish
from arqonbus.routing.durable_words import clash_of, dead_letter_of, filled, shown, text_of
from arqonbus.storage.shared_group import GroupOptions, Work

DEFAULTS = GroupOptions(ack_wait_s=30.0, max_deliver=5, prefetch=32)


@pytest.mark.parametrize("channel", ["c", "c" * 59, "c" * 64])
def test_dead_letters_go_to_a_channel_of_the_channels_own_name(channel: str) -> None:
    assert is_name(dead_letter_of(channel))
    assert dead_letter_of(channel).endswith(".dead")


def test_what_the_maker_does_not_say_is_as_the_settings_say() -> None:
    assert filled(None, DEFAULTS, "c") == GroupOptions(30.0, 5, "c.dead", 32)
    assert filled(Wish(1.0, 2, "bin", 3, "oldest"), DEFAULTS, "c") == GroupOptions(1.0, 2, "bin", 3)


def test_a_channel_cannot_hold_its_own_dead_letters() -> None:
    long = "c" * 59 + ".dead"
    with pytest.raises(InvalidArgs, match="dead_letter"):
        filled(None, DEFAULTS, long)


def test_options_clash_where_they_are_said_and_differ() -> None:
    stands = GroupOptions(30.0, 5, "bin", 32)

    assert clash_of(None, stands) is None
    assert clash_of(Wish(start="oldest"), stands) is None
    assert clash_of(shown(stands), stands) is None
    for wish in (Wish(ack_wait_s=1.0), Wish(max_deliver=1), Wish(dead_letter="x"), Wish(prefetch=1)):
        clash = clash_of(wish, stands)
        assert clash is not None and "group_options" in clash.message


def test_a_delivery_says_for_whom_and_how_often() -> None:
    text = text_of(Work("17", 4, b'{"type":"event","payload":1}', 2), b'"g\\"1"')

    assert msgspec.json.decode(text) == {
        "seq": 4,
        "delivery": {"group": 'g"1', "attempt": 2, "epoch": "17"},
        "type": "event",
        "payload": 1,
    }

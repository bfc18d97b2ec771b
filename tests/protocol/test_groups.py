"""Shapes of durable groups: what a join may ask for."""

import msgspec
import pytest

from arqonbus.errors import InvalidArgs
from arqonbus.protocol.codec import decode_args, encode
from arqonbus.protocol.payloads import GroupInfoResult, GroupOptions, JoinChannelArgs

JOIN = b'{"room":"r:c","group":"g","group_options":%b}'


def test_options_are_read_and_absent_ones_are_none() -> None:
    args = decode_args(msgspec.Raw(JOIN % b'{"ack_wait_s":0.5,"start":"oldest"}'), JoinChannelArgs)

    assert args.group_options == GroupOptions(ack_wait_s=0.5, start="oldest")


@pytest.mark.parametrize(
    "options", [b'{"ack_wait_s":0}', b'{"max_deliver":0}', b'{"prefetch":1001}', b'{"start":"x"}', b'{"typo":1}', b"1"]
)
def test_options_out_of_range_are_refused(options: bytes) -> None:
    with pytest.raises(InvalidArgs, match="group_options"):
        decode_args(msgspec.Raw(JOIN % options), JoinChannelArgs)


def test_a_group_that_is_not_durable_shows_what_it_has() -> None:
    shown = msgspec.json.decode(encode(GroupInfoResult("r", "c", "g", 2, 1)))

    assert shown == {"room": "r", "channel": "c", "group": "g", "members": 2, "lag": 1}

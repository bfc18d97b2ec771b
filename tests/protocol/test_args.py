"""Args of commands: ranges, words, addresses."""

import json
from typing import Any

import pytest
from msgspec import Raw

from arqonbus.errors import InvalidArgs
from arqonbus.protocol.args import (
    ChannelArgs,
    ConnectArgs,
    CreateChannelArgs,
    HistoryArgs,
    JoinChannelArgs,
    LeaveChannelArgs,
    ListChannelsArgs,
    ListRoomsArgs,
    MembersArgs,
    Resume,
    ResumePosition,
    SetWillArgs,
    address,
    room_and_channel,
)
from arqonbus.protocol.codec import decode_args
from arqonbus.protocol.groups import GroupOptions
from arqonbus.protocol.shapes import ChannelOptions, Position

EVERY_JOIN_ARG = {
    "room": "science",
    "channel": "explore",
    "since": {"epoch": "e1", "seq": 0},
    "recover": "best_effort",
    "replay": 1000,
    "group": "workers",
    "presence": True,
    "overflow": "conflate",
    "create": False,
    "group_options": {"prefetch": 1},
}


def read(kind: type[Any], args: dict[str, Any]) -> Any:
    return decode_args(Raw(json.dumps(args).encode()), kind)


def test_every_arg_of_a_join_is_read() -> None:
    assert read(JoinChannelArgs, EVERY_JOIN_ARG) == JoinChannelArgs(
        "science",
        "explore",
        Position("e1", 0),
        "best_effort",
        1000,
        "workers",
        True,
        "conflate",
        False,
        GroupOptions(prefetch=1),
    )


def test_null_args_of_a_join_are_absent() -> None:
    assert read(JoinChannelArgs, dict.fromkeys(EVERY_JOIN_ARG) | {"room": "science"}) == JoinChannelArgs("science")


def test_a_will_is_read_as_it_came() -> None:
    args = read(ConnectArgs, {"will": {"room": "r:c", "payload": 1.10, "metadata": {"k": "v"}}})

    assert args.will is not None
    assert (args.will.room, bytes(args.will.payload), bytes(args.will.metadata)) == ("r:c", b"1.1", b'{"k": "v"}')
    assert args.resume is None


def test_a_will_without_a_payload_has_null() -> None:
    args = read(SetWillArgs, {"will": {"room": "r", "channel": "c"}})

    assert args.will is not None
    assert bytes(args.will.payload) == b"null"


def test_a_will_of_null_is_none() -> None:
    assert read(SetWillArgs, {"will": None}) == read(SetWillArgs, {}) == SetWillArgs(None)


def test_a_resume_names_a_ticket_and_positions() -> None:
    place = {"room": "r", "channel": "c", "epoch": "e1", "seq": 3}

    args = read(ConnectArgs, {"resume": {"ticket": "t", "positions": [place]}})

    assert args.resume == Resume("t", (ResumePosition("r", "e1", 3, "c"),))


def test_every_option_of_a_channel_is_read() -> None:
    options = {
        "history_limit": 0,
        "history_ttl_s": 0.5,
        "history_bytes": 1024,
        "durable": False,
        "presence": True,
        "persistent": True,
    }

    args = read(CreateChannelArgs, {"room": "r", "channel": "c", "options": options})
    assert args.options == ChannelOptions(0, 0.5, 1024, False, True, True)


@pytest.mark.parametrize("kind", [ListRoomsArgs, ListChannelsArgs, MembersArgs, HistoryArgs])
@pytest.mark.parametrize(("limit", "good"), [(0, False), (1, True), (1000, True), (1001, False), (True, False)])
def test_a_page_has_1_to_1000_items(kind: type[Any], limit: int, good: bool) -> None:
    own = {"room": "r", "limit": limit}
    if kind is ListRoomsArgs:
        del own["room"]

    if good:
        assert read(kind, own).limit == limit
    else:
        with pytest.raises(InvalidArgs, match=r"expected `int.*at `\$\.args\.limit`"):
            read(kind, own)


@pytest.mark.parametrize(
    ("kind", "args", "path"),
    [
        (JoinChannelArgs, {"room": "r", "replay": -1}, "$.args.replay"),
        (JoinChannelArgs, {"room": "r", "replay": 1001}, "$.args.replay"),
        (JoinChannelArgs, {"room": "r", "since": {"epoch": "", "seq": 1}}, "$.args.since.epoch"),
        (JoinChannelArgs, {"room": "r", "since": {"epoch": "e", "seq": -1}}, "$.args.since.seq"),
        (JoinChannelArgs, {"room": "r", "since": {"epoch": "e", "seq": 2**53}}, "$.args.since.seq"),
        (JoinChannelArgs, {"room": "r", "since": {"epoch": "e", "seq": 1, "x": 1}}, "$.args.since"),
        (JoinChannelArgs, {"room": "r", "overflow": "drop"}, "$.args.overflow"),
        (HistoryArgs, {"room": "r", "after": -1}, "$.args.after"),
        (HistoryArgs, {"room": "r", "before": 0}, "$.args.before"),
        (ListRoomsArgs, {"cursor": ""}, "$.args.cursor"),
        (ListRoomsArgs, {"cursor": "x" * 513}, "$.args.cursor"),
        (ConnectArgs, {"token": ""}, "$.args.token"),
        (ConnectArgs, {"token": "x" * 8193}, "$.args.token"),
        (ConnectArgs, {"profile": {"screen_name": "x" * 129}}, "$.args.profile.screen_name"),
        (ConnectArgs, {"profile": {"client_type": "x" * 129}}, "$.args.profile.client_type"),
        (ConnectArgs, {"profile": {"avatar": "x" * 2049}}, "$.args.profile.avatar"),
        (ConnectArgs, {"profile": {"name": "x"}}, "$.args.profile"),
        (CreateChannelArgs, {"room": "r", "options": {"history_limit": -1}}, "$.args.options.history_limit"),
        (CreateChannelArgs, {"room": "r", "options": {"history_limit": 1_000_001}}, "$.args.options.history_limit"),
        (CreateChannelArgs, {"room": "r", "options": {"history_ttl_s": 0}}, "$.args.options.history_ttl_s"),
        (CreateChannelArgs, {"room": "r", "options": {"history_ttl_s": 31_536_001}}, "$.args.options.history_ttl_s"),
        (CreateChannelArgs, {"room": "r", "options": {"history_bytes": -1}}, "$.args.options.history_bytes"),
        (CreateChannelArgs, {"room": "r", "options": {"ttl": 1}}, "$.args.options"),
    ],
)
def test_what_is_out_of_range_is_refused_with_its_path(kind: type[Any], args: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidArgs) as caught:
        read(kind, args)

    assert caught.value.message.endswith(f" - at `{path}`")


def test_a_channel_is_named_in_two_fields_or_in_one() -> None:
    assert address(ChannelArgs("science", "explore")) == ("science", "explore")
    assert address(ChannelArgs("science:explore")) == ("science", "explore")


def test_all_channels_may_be_joined_and_left() -> None:
    assert address(JoinChannelArgs("science", "*"), all_channels=True) == ("science", "*")
    assert address(LeaveChannelArgs("science:*"), all_channels=True) == ("science", "*")


def test_members_of_a_room_need_no_channel() -> None:
    assert room_and_channel(MembersArgs("science")) == ("science", None)
    assert room_and_channel(MembersArgs("science:explore")) == ("science", "explore")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (ChannelArgs("science"), "expected a channel, got none - at `$.args.channel`"),
        (ChannelArgs("science", "*"), "expected one channel, got '*' - at `$.args.channel`"),
        (
            ChannelArgs("science", "a b"),
            "expected 1 to 64 of A-Z a-z 0-9 . _ - with a letter, digit or _ first, got 'a b' - at `$.args.channel`",
        ),
        (
            ChannelArgs("a:b:c"),
            "expected 1 to 64 of A-Z a-z 0-9 . _ - with a letter, digit or _ first, got 'a:b:c' - at `$.args.room`",
        ),
    ],
)
def test_a_wrong_address_is_refused_with_its_path(args: ChannelArgs, message: str) -> None:
    with pytest.raises(InvalidArgs) as caught:
        address(args)

    assert caught.value.message == message

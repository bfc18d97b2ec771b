"""Shared shapes: how they are written, and how profiles are put together."""

import msgspec
import pytest
from msgspec import UNSET, Raw

from arqonbus.protocol.codec import encode
from arqonbus.protocol.shapes import (
    ChannelDeleted,
    ChannelInfo,
    ChannelOptions,
    ChannelPosition,
    Draining,
    Empty,
    Gap,
    Limits,
    Lost,
    MemberCount,
    MemberInfo,
    MemberJoined,
    MemberLeft,
    Membership,
    MembersPresent,
    Position,
    Profile,
    RoomInfo,
    StorageStatus,
    Welcome,
    merge_profile,
)

AT = "2026-11-21T19:00:00.123Z"

WRITTEN = [
    (Empty(), "{}"),
    (Position("e1", 41), '{"epoch":"e1","seq":41}'),
    (ChannelPosition("explore", "e1", 41), '{"channel":"explore","epoch":"e1","seq":41}'),
    (Lost(3, 9), '{"from":3,"to":9}'),
    (Profile(), "{}"),
    (
        Profile("bot", "Ada", "https://a.example/a.png", Raw(b'{"k":1.10}')),
        '{"client_type":"bot","screen_name":"Ada","avatar":"https://a.example/a.png","data":{"k":1.10}}',
    ),
    (ChannelOptions(history_limit=0, presence=True), '{"history_limit":0,"presence":true}'),
    (
        ChannelInfo("r", "c", ChannelOptions(), "e1", 0, 2, AT, None, "user"),
        '{"room":"r","channel":"c","options":{},"epoch":"e1","seq":0,"members":2,'
        '"created_at":"2026-11-21T19:00:00.123Z","created_by":null,"kind":"user"}',
    ),
    (RoomInfo("r", 1, 2), '{"room":"r","channels":1,"members":2}'),
    (
        MemberInfo("c-1", None, Profile(), AT),
        '{"client":"c-1","user":null,"profile":{},"joined_at":"2026-11-21T19:00:00.123Z"}',
    ),
    (
        MemberJoined("c-1", None, Profile(), AT, count=2),
        '{"client":"c-1","user":null,"profile":{},"joined_at":"2026-11-21T19:00:00.123Z","count":2}',
    ),
    (MemberLeft("c-1", "ada", "lost", 2), '{"client":"c-1","user":"ada","reason":"lost","count":2}'),
    (MemberCount(201), '{"count":201}'),
    (
        MembersPresent((MemberInfo("c-1", None, Profile(), AT),), 1),
        '{"present":[{"client":"c-1","user":null,"profile":{},"joined_at":"2026-11-21T19:00:00.123Z"}],"count":1}',
    ),
    (Membership("r", "*"), '{"room":"r","channel":"*"}'),
    (
        Welcome("c-1", "node-1", "1.0", 20.0, Limits(1048576), None),
        '{"client":"c-1","server":"node-1","version":"1.0","heartbeat_s":20.0,"limits":{"max_message_bytes":1048576},"user":null}',
    ),
    (Draining(10000, 5000), '{"deadline_ms":10000,"spread_ms":5000}'),
    (ChannelDeleted("idle"), '{"reason":"idle"}'),
    (
        Gap("r", "c", "e1", 3, 9, "conflate"),
        '{"room":"r","channel":"c","epoch":"e1","from":3,"to":9,"reason":"conflate"}',
    ),
    (StorageStatus("memory", "ok"), '{"backend":"memory","state":"ok"}'),
]


@pytest.mark.parametrize(("struct", "text"), WRITTEN, ids=lambda value: type(value).__name__)
def test_a_shape_is_written(struct: msgspec.Struct, text: str) -> None:
    assert encode(struct).decode() == text


def test_a_profile_keeps_what_the_new_one_does_not_give() -> None:
    old = Profile("bot", "Ada", "a.png", Raw(b"1"))

    assert merge_profile(old, Profile(screen_name="Grace")) == Profile("bot", "Grace", "a.png", Raw(b"1"))


def test_an_empty_text_takes_a_field_of_a_profile_away() -> None:
    assert merge_profile(Profile("bot", "Ada", "a.png"), Profile("", "", "")) == Profile()


def test_new_data_of_a_profile_replaces_the_old() -> None:
    assert merge_profile(Profile(data=Raw(b"1")), Profile(data=Raw(b"null"))).data == Raw(b"null")
    assert merge_profile(Profile(), Profile()).data is UNSET


def test_the_data_of_a_profile_is_4096_bytes_at_most() -> None:
    assert Profile(data=Raw(b"1" * 4096)).client_type is None

    with pytest.raises(ValueError, match="Expected at most 4096 bytes of data, got 4097"):
        Profile(data=Raw(b"1" * 4097))

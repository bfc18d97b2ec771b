"""Results: how each is written."""

import msgspec
import pytest
from msgspec import Raw

from arqonbus.protocol.codec import encode
from arqonbus.protocol.results import (
    BroadcastResult,
    CommandHelp,
    ConnectResult,
    EventResult,
    HelpResult,
    HistoryResult,
    JoinChannelResult,
    ListChannelsResult,
    ListRoomsResult,
    MembersResult,
    PingResult,
    PrivateResult,
    Resumed,
    StatusResult,
    WhoamiResult,
)
from arqonbus.protocol.shapes import ChannelPosition, Limits, Lost, Membership, Profile, RoomInfo, StorageStatus

WRITTEN = [
    (
        ConnectResult("c-1", "node-1", "1.0", 20.0, Limits(1048576), "ada", resumed=()),
        '{"client":"c-1","server":"node-1","version":"1.0","heartbeat_s":20.0,"limits":{"max_message_bytes":1048576},'
        '"user":"ada","resumed":[]}',
    ),
    (
        Resumed("r", "c", "e1", 4, False, "evicted", Lost(1, 3)),
        '{"room":"r","channel":"c","epoch":"e1","seq":4,"recovered":false,"reason":"evicted","lost":{"from":1,"to":3}}',
    ),
    (PingResult("2026-11-21T19:00:00.123Z"), '{"time":"2026-11-21T19:00:00.123Z"}'),
    (
        StatusResult("node-1", "0.1.0", 1.5, 1, 2, 3, 4, 5, 6, StorageStatus("memory", "ok"), False),
        '{"server":"node-1","version":"0.1.0","uptime_s":1.5,"connections":1,"rooms":2,"channels":3,"messages_in":4,'
        '"messages_out":5,"errors":6,"storage":{"backend":"memory","state":"ok"},"draining":false}',
    ),
    (
        HelpResult({"ping": CommandHelp({"type": "object"}, {}, None)}),
        '{"commands":{"ping":{"args":{"type":"object"},"result":{},"permission":null}}}',
    ),
    (
        WhoamiResult("c-1", None, Profile(), (Membership("r", "c"),), ("publish",)),
        '{"client":"c-1","user":null,"profile":{},"memberships":[{"room":"r","channel":"c"}],"permissions":["publish"]}',
    ),
    (
        JoinChannelResult(
            room="r", channel="c", epoch="e1", seq=42, recovered=True, reason=None, replayed=1, members=2
        ),
        '{"room":"r","channel":"c","epoch":"e1","seq":42,"recovered":true,"reason":null,"replayed":1,"members":2}',
    ),
    (
        JoinChannelResult(
            room="r",
            channel="c",
            epoch="e1",
            seq=42,
            recovered=False,
            reason="evicted",
            replayed=0,
            members=2,
            lost=Lost(2, 30),
            first_available=31,
        ),
        '{"room":"r","channel":"c","epoch":"e1","seq":42,"recovered":false,"reason":"evicted","replayed":0,"members":2,'
        '"lost":{"from":2,"to":30},"first_available":31}',
    ),
    (
        JoinChannelResult(
            room="r",
            channel="*",
            recovered=False,
            reason=None,
            replayed=0,
            members=1,
            positions=(ChannelPosition("c", "e1", 0),),
        ),
        '{"room":"r","channel":"*","recovered":false,"reason":null,"replayed":0,"members":1,'
        '"positions":[{"channel":"c","epoch":"e1","seq":0}]}',
    ),
    (
        ListRoomsResult((RoomInfo("r", 1, 2),), None),
        '{"rooms":[{"room":"r","channels":1,"members":2}],"cursor":null}',
    ),
    (ListChannelsResult((), "abc"), '{"channels":[],"cursor":"abc"}'),
    (MembersResult((), 0, None), '{"members":[],"count":0,"cursor":null}'),
    (
        HistoryResult("e1", 1, 2, [Raw(b'{"type":"event","payload":1.10}')], False),
        '{"epoch":"e1","first_seq":1,"last_seq":2,"messages":[{"type":"event","payload":1.10}],"more":false}',
    ),
    (
        HistoryResult("e1", None, None, [], False),
        '{"epoch":"e1","first_seq":null,"last_seq":null,"messages":[],"more":false}',
    ),
    (EventResult(42, "e1", False, "none"), '{"seq":42,"epoch":"e1","duplicate":false,"stored":"none"}'),
    (PrivateResult(1, ("c-9",)), '{"delivered":1,"absent":["c-9"]}'),
    (BroadcastResult(3), '{"delivered":3}'),
]


@pytest.mark.parametrize(("struct", "text"), WRITTEN, ids=lambda value: type(value).__name__)
def test_a_result_is_written(struct: msgspec.Struct, text: str) -> None:
    assert encode(struct).decode() == text

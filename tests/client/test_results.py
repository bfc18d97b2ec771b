"""What commands answer: the SDK reads all that the server writes, and more than that."""

import msgspec
import pytest

from arqonbus.client import results
from arqonbus.protocol import results as server
from arqonbus.protocol import shapes

TWINS = [
    (results.Ack, server.EventResult),
    (results.PrivateAck, server.PrivateResult),
    (results.BroadcastAck, server.BroadcastResult),
    (results.Connected, server.ConnectResult),
    (results.Resumed, server.Resumed),
    (results.Pong, server.PingResult),
    (results.Status, server.StatusResult),
    (results.Storage, shapes.StorageStatus),
    (results.Help, server.HelpResult),
    (results.CommandHelp, server.CommandHelp),
    (results.Whoami, server.WhoamiResult),
    (results.Join, server.JoinChannelResult),
    (results.Options, shapes.ChannelOptions),
    (results.ChannelInfo, shapes.ChannelInfo),
    (results.RoomList, server.ListRoomsResult),
    (results.ChannelList, server.ListChannelsResult),
    (results.MemberPage, server.MembersResult),
    (results.MemberInfo, shapes.MemberInfo),
    (results.Membership, shapes.Membership),
    (results.HistoryPage, server.HistoryResult),
    (results.Nothing, shapes.Empty),
]


@pytest.mark.parametrize(("ours", "theirs"), TWINS, ids=lambda kind: kind.__name__)
def test_each_has_every_field_of_its_twin_on_the_server(ours: type[msgspec.Struct], theirs: type) -> None:
    names = {field.encode_name for field in msgspec.structs.fields(ours)}

    assert {field.encode_name for field in msgspec.structs.fields(theirs)} <= names


def test_every_result_has_a_twin() -> None:
    newer = {"GroupInfo"}  # of servers with groups

    assert {ours.__name__ for ours, _ in TWINS} | newer == set(results.__all__)


@pytest.mark.rules("R51")
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (results.Ack, b'{"seq":1,"epoch":"e","stored":"tape","colour":"red"}'),
        (
            results.Join,
            b'{"room":"r","channel":"c","recovered":false,"reason":"a_newer_word"}',
        ),
        (results.Storage, b'{"backend":"tape","state":"tired"}'),
    ],
)
def test_words_and_fields_of_a_newer_server_are_read(kind: type, text: bytes) -> None:
    msgspec.json.decode(text, type=kind)

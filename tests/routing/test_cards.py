from msgspec import UNSET

from arqonbus.protocol.payloads import ChannelInfo, ChannelOptions, GroupInfo, Profile
from arqonbus.routing.cards import ChannelCard, ClientCard, RoomCard
from arqonbus.routing.members import Members
from arqonbus.security.gate import Identity
from arqonbus.storage.history import Retention
from arqonbus.storage.memory import MemoryHistory
from tests.commands.calls import client_card, probe

AT = "2026-11-21T19:00:00.000Z"


def test_a_client_card_bears_the_id_of_its_identity() -> None:
    card = ClientCard(probe().ref, Identity("c-1", "ada", False), Profile())

    assert card.client == "c-1"


def test_a_channel_card_shows_position_and_members_as_they_are_when_somebody_looks() -> None:
    card = ChannelCard("r", "c", "user", ChannelOptions(), AT, "c-1")
    log = MemoryHistory(1000, 60.0, lambda: 0.0, lambda: "e1").open("r", "c", Retention(10, 60.0, 1000))
    members = Members()
    card.show(log, members)
    log.append([b"x"])
    members.join(client_card(), AT, star=False, watches=False)

    assert card.info() == ChannelInfo("r", "c", ChannelOptions(), "e1", 1, 1, AT, "c-1", "user")


def test_a_channel_card_that_shows_nothing_yet_is_at_position_zero() -> None:
    info = ChannelCard("r", "c", "system", ChannelOptions(), AT, None).info()

    assert (info.epoch, info.seq, info.members, info.created_by) == ("", 0, 0, None)


def test_a_new_room_card_is_empty() -> None:
    card = RoomCard("r")

    assert (card.room, card.channels, card.members) == ("r", {}, 0)


def test_a_channel_card_shows_its_groups_while_there_are_any() -> None:
    card = ChannelCard("r", "c", "user", ChannelOptions(), AT, None)
    assert card.info().groups is UNSET
    groups = [GroupInfo("g", 2, 0)]
    card.groups = lambda: tuple(groups)
    assert card.info().groups == (GroupInfo("g", 2, 0),)

    groups.clear()
    assert card.info().groups is UNSET

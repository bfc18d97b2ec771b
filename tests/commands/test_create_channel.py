import pytest

from arqonbus.commands.create_channel import create_channel
from arqonbus.commands.request import ToRoom
from arqonbus.errors import Unavailable
from arqonbus.protocol.payloads import ChannelOptions, CreateChannelArgs
from arqonbus.routing.mail import Create
from tests.commands.calls import call, view


def test_the_room_makes_it_and_is_made_for_it() -> None:
    options = ChannelOptions(history_limit=5)
    asked = call(CreateChannelArgs("r", "c", options), "r", "c")

    assert create_channel(asked, view()) == ToRoom("r", Create(asked.card, "k1", "c", options), create=True)


def test_without_options_all_are_as_the_settings_say() -> None:
    asked = call(CreateChannelArgs("r", "c"), "r", "c")

    assert create_channel(asked, view()) == ToRoom("r", Create(asked.card, "k1", "c", ChannelOptions()), create=True)


def test_a_durable_channel_needs_another_store() -> None:
    with pytest.raises(Unavailable, match="this server has memory only"):
        create_channel(call(CreateChannelArgs("r", "c", ChannelOptions(durable=True)), "r", "c"), view())

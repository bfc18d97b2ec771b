from arqonbus.commands.channel_info import channel_info
from arqonbus.commands.request import ToRoom
from arqonbus.protocol.payloads import ChannelArgs
from arqonbus.routing.mail import Describe
from tests.commands.calls import call, view


def test_the_room_answers_and_is_not_made() -> None:
    asked = call(ChannelArgs("r", "c"), "r", "c")

    assert channel_info(asked, view()) == ToRoom("r", Describe(asked.card, "k1", "c"), create=False)

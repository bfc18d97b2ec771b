from arqonbus.commands.leave_channel import leave_channel
from arqonbus.commands.request import ToRoom
from arqonbus.protocol.payloads import LeaveChannelArgs
from arqonbus.routing.mail import Leave
from tests.commands.calls import call, view


def test_the_room_lets_the_client_go_and_is_not_made() -> None:
    asked = call(LeaveChannelArgs("r", "c"), "r", "c")

    assert leave_channel(asked, view()) == ToRoom("r", Leave(asked.card, "k1", "c"), create=False)

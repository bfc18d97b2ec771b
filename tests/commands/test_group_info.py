from arqonbus.commands.group_info import group_info
from arqonbus.commands.request import ToRoom
from arqonbus.protocol.payloads import GroupArgs
from arqonbus.routing.group_mail import DescribeGroup
from tests.commands.calls import call, view


def test_the_channel_answers() -> None:
    asked = call(GroupArgs("g", "r", "c"), "r", "c")

    assert group_info(asked, view()) == ToRoom("r", DescribeGroup(asked.card, "k1", "c", "g"), create=False)

from arqonbus.commands.delete_group import delete_group
from arqonbus.commands.request import ToRoom
from arqonbus.protocol.payloads import GroupArgs
from arqonbus.routing.group_mail import DeleteGroup
from tests.commands.calls import call, view


def test_the_channel_answers() -> None:
    asked = call(GroupArgs("g", "r", "c"), "r", "c")

    assert delete_group(asked, view()) == ToRoom("r", DeleteGroup(asked.card, "k1", "c", "g"), create=False)

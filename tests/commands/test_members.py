import pytest

from arqonbus.commands.members import members
from arqonbus.commands.request import ToRoom
from arqonbus.protocol.payloads import MembersArgs
from arqonbus.routing.mail import ListMembers
from tests.commands.calls import call, view


@pytest.mark.parametrize("channel", ["c", None])
def test_the_room_answers_for_itself_or_for_a_channel(channel: str | None) -> None:
    asked = call(MembersArgs("r", channel), "r", channel)

    assert members(asked, view()) == ToRoom("r", ListMembers(asked.card, "k1", channel, asked.args), create=False)

import pytest

from arqonbus.commands.delete_channel import delete_channel
from arqonbus.commands.request import ToRoom
from arqonbus.protocol.payloads import DeleteChannelArgs
from arqonbus.routing.mail import Delete
from tests.commands.calls import call, view


@pytest.mark.parametrize(("said", "meant"), [(None, False), (False, False), (True, True)])
def test_the_channel_decides(said: bool | None, meant: bool) -> None:
    asked = call(DeleteChannelArgs("r", "c", said), "r", "c")

    assert delete_channel(asked, view()) == ToRoom("r", Delete(asked.card, "k1", "c", meant), create=False)

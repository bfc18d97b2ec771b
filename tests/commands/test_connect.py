import pytest

from arqonbus.commands.connect import connect
from arqonbus.errors import Conflict
from arqonbus.protocol.payloads import ConnectArgs
from tests.commands.calls import call, view


def test_a_late_connect_is_a_conflict() -> None:
    with pytest.raises(Conflict, match="connect must be the first message of a connection"):
        connect(call(ConnectArgs()), view())

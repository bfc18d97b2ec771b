import pytest

from arqonbus.commands.request import ToClient
from arqonbus.commands.set_will import set_will
from arqonbus.errors import Forbidden
from arqonbus.protocol.envelope import Event
from arqonbus.protocol.payloads import SetWillArgs, Will
from arqonbus.routing.mail import SetWill
from arqonbus.security.gate import Action
from tests.commands.calls import Closed, call, view


def test_the_clients_own_session_keeps_it() -> None:
    assert set_will(call(SetWillArgs(Will("r:c"))), view()) == ToClient(SetWill("k1", Event(room="r", channel="c")))


def test_none_takes_it_back_whatever_the_gate_says() -> None:
    assert set_will(call(SetWillArgs()), view(gate=Closed(Action.PUBLISH))) == ToClient(SetWill("k1", None))


def test_the_gate_is_asked_whether_the_client_may_publish_there() -> None:
    with pytest.raises(Forbidden):
        set_will(call(SetWillArgs(Will("r:c"))), view(gate=Closed(Action.PUBLISH)))

from arqonbus.commands.ack import ack
from arqonbus.commands.request import ToRoom
from arqonbus.protocol.payloads import AckArgs
from arqonbus.routing.group_mail import AckWork
from tests.commands.calls import call, view


def test_the_channel_answers() -> None:
    asked = call(AckArgs("g", (1,), "r", "c"), "r", "c")

    assert ack(asked, view()) == ToRoom("r", AckWork(asked.card, "k1", "c", asked.args), create=False)

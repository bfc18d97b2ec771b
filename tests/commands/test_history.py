from arqonbus.commands.history import history
from arqonbus.commands.request import ToRoom
from arqonbus.protocol.payloads import HistoryArgs
from arqonbus.routing.mail import ReadHistory
from tests.commands.calls import call, view


def test_the_channel_reads() -> None:
    asked = call(HistoryArgs("r", "c", limit=5), "r", "c")

    assert history(asked, view()) == ToRoom("r", ReadHistory(asked.card, "k1", "c", asked.args), create=False)

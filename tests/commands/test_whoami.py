from arqonbus.commands.request import ToClient
from arqonbus.commands.whoami import whoami
from arqonbus.protocol.payloads import NoArgs
from arqonbus.routing.mail import WhoAmI
from tests.commands.calls import call, view


def test_the_clients_own_session_answers() -> None:
    assert whoami(call(NoArgs()), view()) == ToClient(WhoAmI("k1"))

from arqonbus.commands.kick import kick
from arqonbus.commands.request import SendAway
from arqonbus.protocol.payloads import KickArgs
from tests.commands.calls import call, view


def test_the_registry_is_to_find_the_client() -> None:
    assert kick(call(KickArgs("c-2", "spam")), view()) == SendAway("c-2", "spam")
    assert kick(call(KickArgs("c-2")), view()) == SendAway("c-2", None)

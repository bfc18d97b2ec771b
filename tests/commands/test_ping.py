from arqonbus.commands.ping import ping
from arqonbus.commands.request import Reply
from arqonbus.protocol.payloads import NoArgs, PingResult
from tests.commands.calls import call, view


def test_it_answers_the_servers_time() -> None:
    assert ping(call(NoArgs()), view()) == Reply(PingResult("2026-11-21T19:00:00.000Z"))

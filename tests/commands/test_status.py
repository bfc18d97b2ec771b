from arqonbus.commands.request import Reply
from arqonbus.commands.status import status
from arqonbus.protocol.payloads import NoArgs, StatusResult, StorageStatus
from tests.commands.calls import call, client_card, room_card, view


def test_it_answers_gauges_and_counts() -> None:
    seen = view(room_card("r", "one", "two"), room_card("s", "one"))
    seen.directory.add_client(client_card())
    seen.counters.messages_in, seen.counters.messages_out, seen.counters.errors = 3, 5, 1

    assert status(call(NoArgs()), seen) == Reply(
        StatusResult(
            server="node-1",
            version="1.2.3",
            uptime_s=12.346,
            connections=1,
            rooms=2,
            channels=3,
            messages_in=3,
            messages_out=5,
            errors=1,
            storage=StorageStatus("memory", "ok"),
            draining=False,
        )
    )

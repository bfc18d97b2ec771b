"""The command ``status``: how the server is."""

from arqonbus.commands.request import Call, Reply, View
from arqonbus.protocol.payloads import StatusArgs, StatusResult

__all__ = ["status"]


def status(call: Call[StatusArgs], view: View) -> Reply:
    """Answer gauges of now and counts since the start. O(rooms)."""
    counters = view.counters
    return Reply(
        StatusResult(
            server=view.server,
            version=view.version,
            uptime_s=round(view.uptime_s(), 3),
            connections=view.directory.n_clients,
            rooms=view.directory.n_rooms,
            channels=sum(len(card.channels) for card in view.directory.room_cards()),
            messages_in=counters.messages_in,
            messages_out=counters.messages_out,
            errors=counters.errors,
            storage=view.storage(),
            draining=view.draining(),
        )
    )

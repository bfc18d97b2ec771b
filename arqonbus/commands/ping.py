"""The command ``ping``: is the server there, and what time is it there."""

from arqonbus.commands.request import Call, Reply, View
from arqonbus.protocol.payloads import NoArgs, PingResult

__all__ = ["ping"]


def ping(call: Call[NoArgs], view: View) -> Reply:
    """Answer the server's time."""
    return Reply(PingResult(view.timestamp()))

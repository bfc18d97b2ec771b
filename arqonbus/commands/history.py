"""The command ``history``: a page of what a channel keeps."""

from arqonbus.commands.request import Call, ToRoom, View
from arqonbus.protocol.payloads import HistoryArgs
from arqonbus.routing.mail import ReadHistory

__all__ = ["history"]


def history(call: Call[HistoryArgs], view: View) -> ToRoom:
    """Let the channel read: its turn is the only time when its log is at rest."""
    return ToRoom(call.room, ReadHistory(call.card, call.request_id, call.channel or "", call.args))

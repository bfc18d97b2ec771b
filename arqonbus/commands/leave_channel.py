"""The command ``leave_channel``: end a membership."""

from arqonbus.commands.request import Call, ToRoom, View
from arqonbus.protocol.payloads import LeaveChannelArgs
from arqonbus.routing.mail import Leave

__all__ = ["leave_channel"]


def leave_channel(call: Call[LeaveChannelArgs], view: View) -> ToRoom:
    """Let the room let the client go."""
    return ToRoom(call.room, Leave(call.card, call.request_id, call.channel or ""))

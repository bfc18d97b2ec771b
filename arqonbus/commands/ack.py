"""The command ``ack``: take a member's word on what it has done."""

from arqonbus.commands.request import Call, ToRoom, View
from arqonbus.protocol.payloads import AckArgs
from arqonbus.routing.group_mail import AckWork

__all__ = ["ack"]


def ack(call: Call[AckArgs], view: View) -> ToRoom:
    """Let the channel answer, which has the group."""
    return ToRoom(call.room, AckWork(call.card, call.request_id, call.channel or "", call.args))

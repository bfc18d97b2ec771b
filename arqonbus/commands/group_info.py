"""The command ``group_info``: how a group stands."""

from arqonbus.commands.request import Call, ToRoom, View
from arqonbus.protocol.payloads import GroupArgs
from arqonbus.routing.group_mail import DescribeGroup

__all__ = ["group_info"]


def group_info(call: Call[GroupArgs], view: View) -> ToRoom:
    """Let the channel answer, which has the group."""
    return ToRoom(call.room, DescribeGroup(call.card, call.request_id, call.channel or "", call.args.group))

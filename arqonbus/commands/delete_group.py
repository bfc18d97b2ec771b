"""The command ``delete_group``: forget a durable group."""

from arqonbus.commands.request import Call, ToRoom, View
from arqonbus.protocol.payloads import GroupArgs
from arqonbus.routing.group_mail import DeleteGroup

__all__ = ["delete_group"]


def delete_group(call: Call[GroupArgs], view: View) -> ToRoom:
    """Let the channel answer, which has the group."""
    return ToRoom(call.room, DeleteGroup(call.card, call.request_id, call.channel or "", call.args.group))

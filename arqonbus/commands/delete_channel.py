"""The command ``delete_channel``: end a channel, its history and its numbering."""

from arqonbus.commands.request import Call, ToRoom, View
from arqonbus.protocol.payloads import DeleteChannelArgs
from arqonbus.routing.mail import Delete

__all__ = ["delete_channel"]


def delete_channel(call: Call[DeleteChannelArgs], view: View) -> ToRoom:
    """Let the channel decide: it knows its members."""
    return ToRoom(call.room, Delete(call.card, call.request_id, call.channel or "", bool(call.args.force)))

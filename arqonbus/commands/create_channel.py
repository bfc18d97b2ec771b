"""The command ``create_channel``: make a channel with options of its own."""

from arqonbus.commands.request import Call, ToRoom, View
from arqonbus.errors import Unavailable
from arqonbus.protocol.payloads import ChannelOptions, CreateChannelArgs
from arqonbus.routing.mail import Create

__all__ = ["create_channel"]


def create_channel(call: Call[CreateChannelArgs], view: View) -> ToRoom:
    """Let the room make it."""
    options = call.args.options or ChannelOptions()
    if options.durable and view.storage().backend != "redis":
        raise Unavailable("a durable channel needs a store that outlives the process; this server has memory only")
    return ToRoom(call.room, Create(call.card, call.request_id, call.channel or "", options), create=True)

"""The command ``channel_info``."""

from arqonbus.commands.request import Call, ToRoom, View
from arqonbus.protocol.payloads import ChannelArgs
from arqonbus.routing.mail import Describe

__all__ = ["channel_info"]


def channel_info(call: Call[ChannelArgs], view: View) -> ToRoom:
    """Let the room answer: it wakes a channel that only its history remembers."""
    return ToRoom(call.room, Describe(call.card, call.request_id, call.channel or ""))

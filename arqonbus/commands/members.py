"""The command ``members``: who is in a channel, or in any channel of a room."""

from arqonbus.commands.request import Call, ToRoom, View
from arqonbus.protocol.payloads import MembersArgs
from arqonbus.routing.mail import ListMembers

__all__ = ["members"]


def members(call: Call[MembersArgs], view: View) -> ToRoom:
    """Let the room, or through it the channel, answer a page."""
    return ToRoom(call.room, ListMembers(call.card, call.request_id, call.channel, call.args))

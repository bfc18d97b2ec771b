"""The command ``set_profile``: what the client says of itself."""

from arqonbus.commands.request import Call, ToClient, View
from arqonbus.protocol.payloads import Profile
from arqonbus.routing.mail import SetProfile

__all__ = ["set_profile"]


def set_profile(call: Call[Profile], view: View) -> ToClient:
    """Let the client's session take it over."""
    return ToClient(SetProfile(call.request_id, call.args))

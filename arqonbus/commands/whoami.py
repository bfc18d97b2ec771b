"""The command ``whoami``: how the server knows the client."""

from arqonbus.commands.request import Call, ToClient, View
from arqonbus.protocol.payloads import NoArgs
from arqonbus.routing.mail import WhoAmI

__all__ = ["whoami"]


def whoami(call: Call[NoArgs], view: View) -> ToClient:
    """Let the client's session answer: it owns all of it."""
    return ToClient(WhoAmI(call.request_id))

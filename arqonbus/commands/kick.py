"""The command ``kick``: an administrator ends a client."""

from arqonbus.commands.request import Call, SendAway, View
from arqonbus.protocol.payloads import KickArgs

__all__ = ["kick"]


def kick(call: Call[KickArgs], view: View) -> SendAway:
    """Let the registry find the client, wherever it is."""
    return SendAway(call.args.client, call.args.reason)

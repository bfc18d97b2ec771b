"""The command ``set_will``: what is to be published when the client is lost."""

from arqonbus.commands.request import Call, ToClient, View
from arqonbus.protocol.payloads import SetWillArgs
from arqonbus.routing.mail import SetWill

__all__ = ["set_will"]


def set_will(call: Call[SetWillArgs], view: View) -> ToClient:
    """Let the client's session keep it, or forget the one that it has.

    The right that is needed is that to publish where the will says; WillRules asks for it.
    """
    will = None if call.args.will is None else view.wills.read(call.args.will, call.card.identity)
    return ToClient(SetWill(call.request_id, will))

"""The command ``connect``, where it comes too late.

As the first message of a connection it never comes here: the session answers it, since it says who the client is.
"""

from typing import NoReturn

from arqonbus.commands.request import Call, View
from arqonbus.errors import Conflict
from arqonbus.protocol.payloads import ConnectArgs

__all__ = ["connect"]


def connect(call: Call[ConnectArgs], view: View) -> NoReturn:
    """Refuse it."""
    raise Conflict("connect must be the first message of a connection")

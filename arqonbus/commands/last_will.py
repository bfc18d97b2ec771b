"""Last will: no command, but done as one: what a client that is gone for good wanted published."""

from typing import Final

from arqonbus.commands.request import ToRoom, View
from arqonbus.protocol.envelope import Event
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.mail import LastWill
from arqonbus.security.gate import Action

__all__ = ["last_will"]

_NO_LOSS: Final = ("left", "drained", "system stops")
"""Ends of a session that its client wanted, or the server. One that another session continues never comes here."""


def last_will(card: ClientCard, will: Event, reason: str, view: View) -> ToRoom | None:
    """Let the room publish it.

    Args:
        card: of the client.
        will: what the client wanted.
        reason: for which its session ended.
        view: of the server, as it is now.

    Returns:
        None when the client was not lost.

    Raises:
        Forbidden: the client may not publish there any more.
    """
    if reason in _NO_LOSS:
        return None
    room, channel = will.room, will.channel or ""
    view.gate.authorize(card.identity, Action.PUBLISH, room, channel)
    may_create = view.auto_create and view.may(card, Action.CREATE, room, channel)
    return ToRoom(room, LastWill(card, will, may_create), create=may_create)

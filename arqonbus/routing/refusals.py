"""Refusals: how to tell the sender of any mail on its way to a room that it is refused, in the form it waits for."""

from __future__ import annotations

from arqonbus.errors import Refusal
from arqonbus.routing.mail import (
    Answer,
    Bounced,
    BroadcastMail,
    Create,
    Delete,
    Describe,
    Join,
    Leave,
    ListMembers,
    Publish,
    ReadHistory,
    Receipt,
    Resolve,
    Resolved,
)

__all__ = ["answer_refusal"]


def answer_refusal(mail: object, refusal: Refusal) -> None:
    """Answer for mail on its way to a room. Nobody waits for kinds that are not named here."""
    match mail:
        case Resolve():
            mail.card.ref.signal(Resolved(mail.room, mail.channel, refusal))
        case BroadcastMail():
            mail.card.ref.signal(Receipt(mail.broadcast.id, refusal))
        case Publish():
            mail.card.ref.signal(Receipt(mail.event.id, refusal))
        case Bounced():
            answer_refusal(mail.mail, refusal)
        case Join() | Leave() | Create() | Delete() | Describe() | ReadHistory() | ListMembers():
            if mail.card is not None:
                mail.card.ref.signal(Answer(mail.request_id, refusal))

"""Refusals: how to tell the sender of any mail on its way to the registry or a room that it is refused, in the form
it waits for.
"""

from __future__ import annotations

from arqonbus.errors import Refusal
from arqonbus.protocol.envelope import Event
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.group_mail import AckWork, DeleteGroup, DescribeGroup
from arqonbus.routing.mail import (
    Answer,
    Bounced,
    BroadcastMail,
    Create,
    Delete,
    Describe,
    Join,
    LastWill,
    Leave,
    ListMembers,
    PrivateMail,
    Publish,
    ReadHistory,
    Receipt,
    Rejoin,
    Request,
    Resolve,
    Resolved,
    TakeOver,
    TookOver,
)
from arqonbus.routing.shared_mail import ListChannels
from arqonbus.telemetry.logs import get_log

__all__ = ["answer_refusal"]

_log = get_log("routing")


def answer_refusal(mail: object, refusal: Refusal) -> None:
    """Answer for mail on its way. Nobody waits for kinds that are not named here."""
    match mail:
        case Bounced():
            answer_refusal(mail.mail, refusal)
        case Rejoin():
            answer_refusal(mail.join, refusal)
        case Resolve():
            mail.card.ref.signal(Resolved(mail.room, mail.channel, refusal))
        case TakeOver():
            mail.card.ref.signal(TookOver(None))
        case Publish() | LastWill() | BroadcastMail() | PrivateMail():
            _answer_message(mail, refusal)
        case (
            Request()
            | Join()
            | Leave()
            | Create()
            | Delete()
            | Describe()
            | ReadHistory()
            | ListMembers()
            | ListChannels()
        ):
            if mail.card is not None:
                mail.card.ref.signal(Answer(mail.request_id, refusal))
        case AckWork() | DescribeGroup() | DeleteGroup():
            mail.card.ref.signal(Answer(mail.request_id, refusal))


def _answer_message(mail: Publish | LastWill | BroadcastMail | PrivateMail, refusal: Refusal) -> None:
    match mail:
        case LastWill():
            _log_will(mail.card, mail.event, refusal)
        case Publish() if mail.event is mail.card.will:
            _log_will(mail.card, mail.event, refusal)
        case Publish():
            mail.card.ref.signal(Receipt(mail.event.id, refusal))
        case BroadcastMail():
            mail.card.ref.signal(Receipt(mail.broadcast.id, refusal))
        case PrivateMail():
            mail.card.ref.signal(Receipt(mail.private.id, refusal))


def _log_will(card: ClientCard, will: Event, refusal: Refusal) -> None:
    """Say that a will comes to nothing: the client that could be told is gone."""
    where = {"client": card.client, "room": will.room, "channel": will.channel}
    _log.warning("will_not_published", **where, code=refusal.code, error=refusal.message)

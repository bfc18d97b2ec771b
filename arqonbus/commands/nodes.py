"""Nodes: what the registry does about the other servers of the bus. Owned by the registry, used in its turns."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from arqonbus.actor import Context
from arqonbus.commands.clients import Clients
from arqonbus.commands.far import Far, open_letter
from arqonbus.commands.letters import AnswerLetter, FoundLetter, LetGoLetter, QuestionLetter, RoomLetter
from arqonbus.commands.request import View
from arqonbus.commands.survey import Surveys
from arqonbus.routing.mail import (
    ClaimOver,
    ClaimSent,
    HandedOver,
    KickSent,
    LetGoNow,
    PrivateSent,
    Request,
    SurveyOver,
)
from arqonbus.storage.cluster import Cluster, ForClient, ForNode, Lapsed, NodeGone, RoomSaid

__all__ = ["NodeMail", "Nodes"]

NodeMail = (
    ForClient,
    ForNode,
    NodeGone,
    Lapsed,
    PrivateSent,
    KickSent,
    ClaimSent,
    ClaimOver,
    HandedOver,
    LetGoNow,
    SurveyOver,
)
"""What the registry passes on."""


class Nodes:
    """Sorts what comes of other nodes, or of what was sent there.

    Args:
        cluster: the way to them.
        view: of this server.
        clients: of this server.
        far: those of the others.
    """

    __slots__ = ("_clients", "_directory", "_far", "_surveys")

    def __init__(self, cluster: Cluster, view: View, clients: Clients, far: Far) -> None:
        self._directory = view.directory
        self._clients = clients
        self._far = far
        self._surveys = Surveys(cluster, view)

    def ask(self, request: Request, args: Struct, ctx: Context[Any]) -> None:
        """Run a command on all nodes."""
        self._surveys.ask(request, args, ctx)

    def handle(self, mail: Any, ctx: Context[Any]) -> None:
        """Handle one of NodeMail."""
        match mail:
            case ForClient():
                self._far.take(mail, ctx)
            case ForNode():
                self._take_letter(mail, ctx)
            case NodeGone() | Lapsed():
                for card in self._directory.room_cards():
                    self._tell_room(card.room, mail)
            case PrivateSent():
                self._clients.private_sent(mail, ctx)
            case SurveyOver():
                self._surveys.over(mail)
            case _:
                self._of_far(mail, ctx)

    def _of_far(self, mail: Any, ctx: Context[Any]) -> None:
        match mail:
            case KickSent():
                self._far.kicked(mail, ctx)
            case ClaimSent():
                self._far.claim_sent(mail, ctx)
            case ClaimOver():
                self._far.claim_over(mail, ctx)
            case HandedOver():
                self._far.handed_over(mail, ctx)
            case LetGoNow():
                self._far.let_go_now(mail, ctx)

    def _take_letter(self, mail: ForNode, ctx: Context[Any]) -> None:
        letter = open_letter(mail.data)
        match letter:
            case FoundLetter():
                self._far.found(letter, mail.sender)
            case LetGoLetter():
                self._far.let_go(letter.client, ctx)
            case RoomLetter():
                self._tell_room(letter.room, RoomSaid(bytes(letter.data)))
            case QuestionLetter():
                self._surveys.asked(letter, ctx)
            case AnswerLetter():
                self._surveys.answered(letter, mail.sender)

    def _tell_room(self, room: str, mail: Any) -> None:
        ref = self._directory.room(room)
        if ref is not None:
            ref.signal(mail)

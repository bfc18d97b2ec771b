"""Surveys: commands that all nodes are asked, and their answers made one."""

from __future__ import annotations

from itertools import count
from typing import Any

from msgspec import MsgspecError, Raw, Struct, json

from arqonbus.actor import Context
from arqonbus.commands.letters import AnswerLetter, QuestionLetter, write
from arqonbus.commands.merge import MERGES
from arqonbus.commands.request import Call, Reply, View
from arqonbus.commands.table import TABLE
from arqonbus.errors import Refusal
from arqonbus.protocol.codec import decode_args
from arqonbus.protocol.payloads import Profile
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.mail import Answer, Request, SurveyOver
from arqonbus.security.gate import Identity
from arqonbus.storage.cluster import Cluster
from arqonbus.telemetry.logs import get_log

__all__ = ["Surveys", "alone"]

SURVEY_S = 1.0  # for all nodes to answer; who is silent then is named
MOST_SURVEYS = 1000  # under way; past it this node answers for itself alone

_log = get_log("commands")


class _Survey(Struct):
    request: Request
    args: Struct
    answers: dict[str, Any]  # by node, this one's first
    waits_for: set[str]  # nodes


def alone(command: str, args: Struct, node: str, outcome: Struct) -> Struct:
    """Give the answer of a cluster of one."""
    return MERGES[command](args, {node: outcome}, (), False)


class Surveys:
    """Owned by the registry, used in its turns.

    Args:
        cluster: the way to the other nodes.
        view: of this one.
    """

    __slots__ = ("_cluster", "_numbers", "_under_way", "_view")

    def __init__(self, cluster: Cluster, view: View) -> None:
        self._cluster = cluster
        self._view = view
        self._numbers = count(1)
        self._under_way: dict[int, _Survey] = {}

    def ask(self, request: Request, args: Struct, ctx: Context[Any]) -> None:
        """Ask all nodes, this one too; the client is answered when all have answered, or in SURVEY_S.

        Raises what the command raises here, if nobody else can be asked.
        """
        node = self._cluster.node
        others = set(self._cluster.living) - {node}
        if self._cluster.state != "up" or not others or len(self._under_way) >= MOST_SURVEYS:
            others = set()
        own = self._answer(request.command, request.args, request.card, is_forced=not others)
        number = next(self._numbers)
        survey = _Survey(request, args, {} if own is None else {node: own}, others)
        if not others:
            self._conclude(survey)
            return
        self._under_way[number] = survey
        self._cluster.tell(None, write(QuestionLetter(request.command, request.args, node, number)))
        ctx.after(SURVEY_S, SurveyOver(number))

    def asked(self, letter: QuestionLetter, ctx: Context[Any]) -> None:
        """Answer another node."""
        card = ClientCard(ctx.ref, Identity(letter.node, None, True), Profile())
        own = self._answer(letter.command, letter.args, card) if letter.command in MERGES else None
        self._cluster.tell(letter.node, write(AnswerLetter(letter.number, Raw(json.encode(own)))))

    def _answer(self, command: str, raw: Raw, card: ClientCard, *, is_forced: bool = False) -> Struct | None:
        """Run a command for this node. None: it is refused here, which is raised if ``is_forced``."""
        row = TABLE[command]
        try:
            args = decode_args(raw, row.shape.args)
            outcome = row.handler(Call(card, None, args, *row.address(args), ()), self._view)
        except Refusal:
            if is_forced:
                raise
            return None
        return outcome.result if isinstance(outcome, Reply) else None

    def answered(self, letter: AnswerLetter, sender: str) -> None:
        """Take another node's answer."""
        survey = self._under_way.get(letter.number)
        if survey is None:
            return  # it came too late
        survey.waits_for.discard(sender)
        if bytes(letter.result) != b"null":
            try:
                shape = TABLE[survey.request.command].shape.result
                survey.answers[sender] = json.decode(letter.result, type=shape)
            except MsgspecError as error:
                _log.warning("letter_not_read", error=error)
                survey.waits_for.add(sender)  # of a version that can't be understood: as good as silent
        if not survey.waits_for:
            del self._under_way[letter.number]
            self._conclude(survey)

    def over(self, mail: SurveyOver) -> None:
        """Answer with what there is."""
        survey = self._under_way.pop(mail.number, None)
        if survey is not None:
            self._conclude(survey)

    def _conclude(self, survey: _Survey) -> None:
        request, answers = survey.request, survey.answers
        is_cut_off = self._cluster.state != "up"
        try:
            result: Struct | Refusal = (
                MERGES[request.command](survey.args, answers, sorted(survey.waits_for), is_cut_off)
                if answers
                else self._refusal(request)
            )
        except Refusal as refusal:
            result = refusal
        request.card.ref.signal(Answer(request.request_id, result))

    def _refusal(self, request: Request) -> Struct:
        """Refuse as this node does, since no node has an answer."""
        answer = self._answer(request.command, request.args, request.card, is_forced=True)
        if answer is None:
            raise TypeError(f"expected a command that is answered at once, got {request.command}")
        return answer

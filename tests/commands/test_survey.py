"""Commands that all nodes are asked, from one registry's side."""

from __future__ import annotations

from typing import Any

from msgspec import Raw, json

from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.commands.letters import AnswerLetter, QuestionLetter, read
from arqonbus.commands.survey import Surveys, alone
from arqonbus.errors import NotFound
from arqonbus.protocol.payloads import ListChannelsArgs, ListRoomsArgs, ListRoomsResult, RoomInfo
from arqonbus.routing.mail import Answer, Request, SurveyOver
from arqonbus.storage.cluster import ForNode
from arqonbus.storage.memory_cluster import MemoryHub
from tests.commands.calls import client_card, room_card, view


class Stage:
    """Surveys of node n0, which has the room ``mine``; n1 is a machine that only listens."""

    def __init__(self) -> None:
        self.manual = ManualDispatcher()
        self.hub = MemoryHub()
        self.heard: list[Any] = []
        cluster = self.hub.node("n0")
        self.hub.node("n1").attach(self.heard.append)
        self.surveys = Surveys(cluster, view(room_card("mine", "c")))
        self.probe: Probe[Any] = Probe(ActorSystem(self.manual.dispatcher))
        self.ref = self.probe.ref
        self.timers: list[Any] = []

    def after(self, delay_s: float, mail: Any) -> None:
        self.timers.append(mail)

    def ask(self, command: str = "list_rooms", args: Any = None) -> None:
        request = Request(client_card("c-1", self.ref), "k1", command, Raw(json.encode(args or {})), ())
        shape = ListRoomsArgs if command == "list_rooms" else ListChannelsArgs
        self.surveys.ask(request, shape(**(args or {})), self)  # type: ignore[arg-type]

    def answers(self) -> list[Any]:
        self.manual.run_until_idle()
        return self.probe.take()

    @property
    def letters(self) -> list[Any]:
        return [read(one.data) for one in self.heard if isinstance(one, ForNode)]


def result_of(answers: list[Any]) -> Any:
    (answer,) = answers
    assert isinstance(answer, Answer) and answer.request_id == "k1"
    return answer.result


def test_all_are_asked_and_the_answer_is_made_of_all() -> None:
    stage = Stage()
    stage.ask()
    (question,) = stage.letters
    assert (question.command, question.node) == ("list_rooms", "n0")
    assert stage.answers() == []

    theirs = ListRoomsResult((RoomInfo("theirs", 1, 1),), None)
    stage.surveys.answered(AnswerLetter(question.number, Raw(json.encode(theirs))), "n1")
    result = result_of(stage.answers())
    assert [room.room for room in result.rooms] == ["mine", "theirs"]
    stage.surveys.over(stage.timers[0])
    stage.surveys.answered(AnswerLetter(question.number, Raw(b"null")), "n1")
    assert stage.answers() == []


def test_who_is_silent_is_not_waited_for_for_ever() -> None:
    stage = Stage()
    stage.ask()
    stage.surveys.over(SurveyOver(1))

    result = result_of(stage.answers())
    assert ([room.room for room in result.rooms], result.partial) == (["mine"], True)


def test_an_answer_that_cannot_be_read_is_as_good_as_none() -> None:
    stage = Stage()
    stage.ask()
    stage.surveys.answered(AnswerLetter(1, Raw(b'{"rooms":7}')), "n1")
    assert stage.answers() == []
    stage.surveys.over(SurveyOver(1))

    assert result_of(stage.answers()).partial is True


def test_out_of_reach_this_node_answers_for_itself_and_says_so() -> None:
    stage = Stage()
    stage.hub.cut("n0")
    stage.ask()

    result = result_of(stage.answers())
    assert ([room.room for room in result.rooms], result.partial) == (["mine"], True)


def test_what_only_others_have_is_found_and_what_nobody_has_is_not() -> None:
    stage = Stage()
    stage.ask("list_channels", {"room": "theirs"})
    stage.surveys.answered(AnswerLetter(1, Raw(b"null")), "n1")

    assert isinstance(result_of(stage.answers()), NotFound)


def test_another_node_is_answered_with_what_is_here() -> None:
    stage = Stage()
    stage.surveys.asked(QuestionLetter("list_rooms", Raw(b"{}"), "n1", 7), stage)  # type: ignore[arg-type]
    stage.surveys.asked(QuestionLetter("list_channels", Raw(b'{"room":"x"}'), "n1", 8), stage)  # type: ignore[arg-type]
    stage.surveys.asked(QuestionLetter("kick", Raw(b'{"client":"c"}'), "n1", 9), stage)  # type: ignore[arg-type]

    first, second, third = stage.letters
    assert json.decode(first.result)["rooms"][0]["room"] == "mine"
    assert [(one.number, bytes(one.result)) for one in (second, third)] == [(8, b"null"), (9, b"null")]


def test_a_server_by_itself_is_a_cluster_of_one() -> None:
    mine = ListRoomsResult((RoomInfo("mine", 1, 1),), None)

    assert alone("list_rooms", ListRoomsArgs(), "n0", mine) == mine

"""The census of one room by itself; tests/flow/test_cluster_presence.py has several that speak to each other."""

from __future__ import annotations

from typing import Any

import msgspec

from arqonbus.protocol.payloads import MemberInfo, Profile
from arqonbus.routing.census import Census
from arqonbus.routing.census_letters import Delta, Full, Hello, PageLetter, RowsLetter, Told, read, write
from arqonbus.routing.census_mail import Beside, CensusTick, FarNews, HelloOver, OwnMember, PageOver
from arqonbus.storage.cluster import Lapsed, LineDown, LineUp, NodeGone, NodeTold, RoomSaid


def row(client: str) -> MemberInfo:
    return MemberInfo(client, None, Profile(), "2026-11-21T19:00:00.000Z")


class Stage:
    """A census on node n0, with its timers and what it says."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.told: list[tuple[str, Any]] = []
        self.timers: list[Any] = []
        self.census = Census("n0", "r", "life", 5, self._say, self._tell)

    def _say(self, data: bytes, counts: bool) -> None:
        self.said.append(read(data))

    def _tell(self, node: str, data: bytes) -> None:
        letter = msgspec.json.decode(data)
        assert (letter["type"], letter["room"]) == ("room", "r")
        self.told.append((node, read(msgspec.json.encode(letter["data"]))))

    def after(self, delay_s: float, mail: Any) -> None:
        self.timers.append(mail)

    def take(self, *mails: Any) -> list[FarNews]:
        return [news for mail in mails for news in self.census.handle(mail, self)]  # type: ignore[arg-type]

    def hear(self, letter: Any) -> list[FarNews]:
        return self.take(RoomSaid(write(letter)))


def test_who_comes_says_hello_and_is_whole_when_all_have_answered() -> None:
    stage = Stage()
    stage.take(LineUp(), NodeTold(3))
    assert stage.said == [Hello("n0")]
    stage.hear(Full("n1", "l", 0, ()))
    assert not stage.census.is_settled

    news = stage.hear(Full("n2", "l", 0, (Told("c", (row("c-2"),)),)))
    assert news == [FarNews("c", (row("c-2"),)), FarNews("")]
    assert stage.census.is_settled
    assert stage.census.news_of("c") == FarNews("c", (row("c-2"),))


def test_who_is_alone_is_whole_at_once() -> None:
    stage = Stage()

    assert stage.take(LineUp(), NodeTold(1)) == [FarNews("")]


def test_who_does_not_answer_is_asked_again_and_not_waited_for() -> None:
    stage = Stage()
    stage.take(LineUp(), NodeTold(2), HelloOver())

    assert stage.census.is_settled
    assert stage.said == [Hello("n0"), Hello("n0")]
    assert stage.timers == [HelloOver(), HelloOver()]
    stage.hear(Full("n1", "l", 0, ()))
    stage.take(HelloOver())
    assert len(stage.said) == 2


def test_hello_is_answered_with_all_to_who_asked() -> None:
    stage = Stage()
    stage.take(OwnMember("c", row("c-1")))
    stage.hear(Hello("n1"))
    stage.hear(Hello("n2", "n0"))
    stage.hear(Hello("n3", "somebody else"))
    stage.hear(Hello("n0"))

    everything = Full("n0", "life", 0, (Told("c", (row("c-1"),)),))
    assert stage.told == [("n1", everything), ("n2", everything)]


def test_what_happens_within_a_moment_is_one_delta() -> None:
    stage = Stage()
    stage.take(OwnMember("c", row("c-1")), OwnMember("c", row("c-2")), OwnMember("*", row("c-1")))
    assert stage.timers == [CensusTick()]
    stage.take(CensusTick())
    assert stage.said == [Delta("n0", "life", 1, (Told("c", (row("c-1"), row("c-2"))), Told("*", (row("c-1"),))))]

    stage.take(OwnMember("c", row("c-1"), "left"), CensusTick(), CensusTick())
    assert stage.said[1:] == [Delta("n0", "life", 2, (Told("c", left=(("c-1", "left"),)),))]


def test_a_room_that_ends_tells_what_is_left_to_be_told() -> None:
    stage = Stage()
    stage.take(OwnMember("c", row("c-1"), "left"))
    stage.census.close()

    assert stage.said == [Delta("n0", "life", 1, (Told("c", left=(("c-1", "left"),)),))]


def test_a_delta_that_misses_another_has_its_node_asked() -> None:
    stage = Stage()

    assert stage.hear(Delta("n1", "l", 7, (Told("c", (row("c-1"),)),))) == []
    assert stage.said == [Hello("n0", "n1")]


def test_a_line_that_was_down_makes_all_partial_until_all_is_known_anew() -> None:
    stage = Stage()
    stage.take(LineUp(), NodeTold(1), OwnMember("c", row("c-1")), CensusTick())

    assert stage.take(LineDown()) == [FarNews("", is_partial=True)]
    stage.said.clear()
    stage.take(LineUp())
    assert stage.said == [Hello("n0"), Full("n0", "life", 1, (Told("c", (row("c-1"),)),))]
    assert stage.take(NodeTold(1)) == [FarNews("")]


def test_what_may_not_have_been_heard_is_told_again() -> None:
    stage = Stage()
    stage.take(LineUp(), NodeTold(1), HelloOver(), OwnMember("c", row("c-1")), CensusTick())
    stage.said.clear()
    stage.take(NodeTold(-1), HelloOver())

    assert stage.said == [Hello("n0"), Full("n0", "life", 1, (Told("c", (row("c-1"),)),))]


def test_the_members_of_a_node_that_is_gone_are_lost_or_drained() -> None:
    for is_orderly, reason in ((False, "lost"), (True, "drained")):
        stage = Stage()
        stage.take(LineUp(), NodeTold(1))
        stage.hear(Delta("n1", "l", 1, (Told("c", (row("c-1"),)),)))

        assert stage.take(NodeGone("n1", is_orderly)) == [FarNews("c", left=(("c-1", reason),))]


def test_a_node_that_is_gone_is_not_waited_for() -> None:
    stage = Stage()
    stage.take(LineUp(), NodeTold(2), NodeGone("n1", is_orderly=False))
    assert stage.said == [Hello("n0"), Hello("n0")]
    stage.take(NodeTold(1))

    assert stage.census.is_settled


def test_a_node_that_counted_as_dead_tells_all_again() -> None:
    stage = Stage()
    stage.take(Lapsed())

    assert stage.said == [Full("n0", "life", 0, ())]


def test_out_of_reach_nobody_is_waited_for() -> None:
    stage = Stage()
    stage.census.settle()

    assert stage.census.is_settled and stage.census.is_partial


def test_rows_of_crowds_are_asked_for_and_given() -> None:
    stage = Stage()
    stage.take(LineUp(), NodeTold(1))
    assert not stage.census.ask_for_rows("mail", "c", "", 2, stage)  # type: ignore[arg-type]
    stage.hear(Delta("n1", "l", 1, (Told("c", crowd=9),)))
    stage.said.clear()

    assert stage.census.ask_for_rows("mail", "c", "c-0", 2, stage)  # type: ignore[arg-type]
    assert stage.said == [PageLetter("n0", 1, "c", "c-0", 2)]
    stage.hear(RowsLetter("n1", 1, (row("c-1"),), has_more=False))
    assert stage.census.pages == [("mail", Beside((row("c-1"),), None, is_whole=True))]
    stage.take(OwnMember("c", row("c-5")))
    stage.hear(PageLetter("n1", 3, "c", "c-0", 2))
    assert stage.told == [("n1", RowsLetter("n0", 3, (row("c-5"),), has_more=False))]


def test_who_does_not_give_rows_is_not_waited_for() -> None:
    stage = Stage()
    stage.take(LineUp(), NodeTold(1))
    stage.hear(Delta("n1", "l", 1, (Told("c", crowd=9),)))
    stage.census.ask_for_rows("mail", "c", "", 2, stage)  # type: ignore[arg-type]
    stage.take(PageOver(1), PageOver(1))

    assert stage.census.pages == [("mail", Beside((), None, is_whole=False))]

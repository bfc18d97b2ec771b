"""Rows of crowds on other nodes, gathered for one page."""

from __future__ import annotations

from arqonbus.protocol.payloads import MemberInfo, Profile
from arqonbus.routing.census_letters import RowsLetter
from arqonbus.routing.census_mail import Beside
from arqonbus.routing.crowd_pages import CrowdPages


def rows(*clients: str) -> tuple[MemberInfo, ...]:
    return tuple(MemberInfo(client, None, Profile(), "2026-11-21T19:00:00.000Z") for client in clients)


def test_a_page_is_there_when_all_have_answered_and_ends_where_the_least_has_ended() -> None:
    pages = CrowdPages()
    pages.ask(1, "mail", {"a", "b"})
    assert pages.take(RowsLetter("a", 1, rows("c-1", "c-5"), has_more=True)) is None
    assert pages.take(RowsLetter("a", 1, (), has_more=False)) is None
    assert pages.take(RowsLetter("x", 1, (), has_more=False)) is None

    done = pages.take(RowsLetter("b", 1, rows("c-2", "c-3"), has_more=True))
    assert done == ("mail", Beside(rows("c-1", "c-5", "c-2", "c-3"), "c-3", is_whole=True))
    assert pages.give_up(1) is None
    assert pages.take(RowsLetter("b", 1, (), has_more=False)) is None


def test_a_page_that_is_given_up_says_so() -> None:
    pages = CrowdPages()
    pages.ask(1, "mail", {"a", "b"})
    pages.take(RowsLetter("a", 1, rows("c-1"), has_more=False))

    assert pages.give_up(1) == ("mail", Beside(rows("c-1"), None, is_whole=False))

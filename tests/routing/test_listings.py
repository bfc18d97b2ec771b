"""Pages of channels over several nodes: asked by one, answered by all."""

from __future__ import annotations

from arqonbus.protocol.payloads import ChannelInfo, ChannelOptions, ListChannelsArgs
from arqonbus.routing.cards import ChannelCard
from arqonbus.routing.listings import Listing, Listings
from arqonbus.routing.shared_mail import ListChannels


def row(channel: str, created_by: str | None = None) -> ChannelInfo:
    return ChannelCard("r", channel, "user", ChannelOptions(), "now", created_by).info()


def asked(**more: object) -> ListChannels:
    return ListChannels(None, "k", ListChannelsArgs("r", **more))  # type: ignore[arg-type]


def names(listing: Listing | None) -> tuple[list[str], str | None]:
    assert listing is not None
    return [info.channel for info in listing.result.channels], listing.result.cursor


def test_a_page_is_done_when_all_nodes_that_heard_have_answered() -> None:
    here, there, third = Listings("here"), Listings("there"), Listings("third")
    token, data = here.begin(asked(limit=3), [row("b", "mine")])
    assert here.answer(data, []) is None
    answers = [there.answer(data, [row("d"), row("b", "other")]), third.answer(data, [row("a"), row("c")])]

    assert here.asked(token, 3) is None
    assert here.is_asking
    assert here.note(answers[0] or b"") is None
    done = here.note(answers[1] or b"")
    assert names(done) == (["a", "b", "c"], "r:c")
    assert done is not None
    assert done.result.channels[1].created_by == "mine"
    assert not here.is_asking
    assert here.note(answers[1] or b"") is None
    assert here.asked(token, 0) is None


def test_the_next_page_begins_behind_the_cursor() -> None:
    here, there = Listings("here"), Listings("there")
    token, data = here.begin(asked(cursor="r:c"), [row("a"), row("d")])
    here.note(there.answer(data, [row("b"), row("e")]) or b"")

    assert names(here.asked(token, 2)) == (["d", "e"], None)


def test_who_does_not_answer_is_not_waited_for_for_ever() -> None:
    here = Listings("here")
    token, _ = here.begin(asked(), [row("a")])
    assert here.asked(token, 2) is None

    assert names(here.asked(token, 0)) == (["a"], None)


def test_rows_for_somebody_else_are_none_of_ours() -> None:
    here, there, third = Listings("here"), Listings("there"), Listings("third")
    _, data = there.begin(asked(), [])

    assert here.note(third.answer(data, [row("a")]) or b"") is None

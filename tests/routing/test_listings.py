"""Pages of channels, gathered row by row."""

from __future__ import annotations

from typing import Any

from arqonbus.protocol.payloads import ChannelOptions, ListChannelsArgs
from arqonbus.routing.cards import ChannelCard
from arqonbus.routing.listings import Listings
from arqonbus.routing.shared_mail import ChannelRow, ListChannels


def row(n: int, channel: str) -> ChannelRow:
    return ChannelRow(n, channel, ChannelCard("r", channel, "user", ChannelOptions(), "now", None).info())


def test_a_page_is_done_when_each_of_its_channels_has_spoken_or_is_gone() -> None:
    listings = Listings()
    asked: Any = ListChannels(None, "k", ListChannelsArgs("r", limit=3))
    listing = listings.begin(asked, "r", {"d", "b", "a", "c"})
    assert listing.waits_for == {"a", "b", "c"}
    for name in ("c", "a", "d"):
        listings.note(row(listing.n, name))
    assert listings.done(listing.n) is None

    listings.note(ChannelRow(listing.n, "b", None))
    done = listings.done(listing.n)
    assert done is not None
    assert ([info.channel for info in done.result.channels], done.result.cursor) == (["a", "c"], "r:c")
    assert listings.done(listing.n) is None


def test_the_next_page_begins_behind_the_cursor() -> None:
    listing = Listings().begin(ListChannels(None, "k", ListChannelsArgs("r", cursor="r:c")), "r", ["a", "c", "d"])

    assert (listing.waits_for, listing.cursor) == ({"d"}, None)


def test_an_empty_page_is_done_at_once() -> None:
    listings = Listings()

    assert listings.done(listings.begin(ListChannels(None, "k", ListChannelsArgs("r")), "r", []).n) is not None

"""What members are told of the store, as it goes over the wire."""

from msgspec.json import decode

from arqonbus.protocol.payloads import ChannelOptions
from arqonbus.routing import shared_news
from arqonbus.routing.cards import ChannelCard
from arqonbus.routing.mail import Place

PLACE = Place("r", "c", "e1")


def test_a_gap_names_the_epoch_and_the_range() -> None:
    told = decode(shared_news.gap(PLACE, 3, 5, "missing").texts[0])

    assert told == {
        "type": "system",
        "event": "gap",
        "room": "r",
        "channel": "c",
        "payload": {"room": "r", "channel": "c", "epoch": "e1", "from": 3, "to": 5, "reason": "missing"},
    }


def test_the_other_news_name_the_channel() -> None:
    card = ChannelCard("r", "c", "user", ChannelOptions(), "now", None)
    told = [shared_news.degraded(PLACE), shared_news.restored(PLACE), shared_news.deleted(PLACE)]

    read = [decode(one.texts[0]) for one in (*told, shared_news.created(card))]
    assert [(one["event"], one["room"], one["channel"]) for one in read] == [
        ("storage_degraded", "r", "c"),
        ("storage_restored", "r", "c"),
        ("channel_deleted", "r", "c"),
        ("channel_created", "r", "c"),
    ]

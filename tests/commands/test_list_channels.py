import pytest

from arqonbus.commands.list_channels import list_channels
from arqonbus.commands.request import Reply
from arqonbus.errors import NotFound
from arqonbus.protocol.payloads import ListChannelsArgs
from tests.commands.calls import call, room_card, view


def names(outcome: Reply) -> list[str]:
    return [f"{info.room}:{info.channel}" for info in outcome.result.channels]  # type: ignore[attr-defined]


def test_it_answers_the_channels_of_all_rooms_by_address() -> None:
    seen = view(room_card("s", "b", "a"), room_card("r", "c"))

    assert names(list_channels(call(ListChannelsArgs()), seen)) == ["r:c", "s:a", "s:b"]


def test_it_answers_the_channels_of_one_room() -> None:
    seen = view(room_card("s", "b", "a"), room_card("r", "c"))

    assert names(list_channels(call(ListChannelsArgs("s"), "s"), seen)) == ["s:a", "s:b"]


def test_a_page_goes_on_behind_its_cursor() -> None:
    seen = view(room_card("s", "b", "a"), room_card("r", "c"))

    first = list_channels(call(ListChannelsArgs(limit=2)), seen)
    second = list_channels(call(ListChannelsArgs(limit=2, cursor=first.result.cursor)), seen)  # type: ignore[attr-defined]

    assert names(first) + names(second) == ["r:c", "s:a", "s:b"]
    assert second.result.cursor is None  # type: ignore[attr-defined]


def test_an_unknown_room_is_not_found() -> None:
    with pytest.raises(NotFound, match="no room nowhere"):
        list_channels(call(ListChannelsArgs("nowhere"), "nowhere"), view())

from arqonbus.commands.list_rooms import list_rooms
from arqonbus.commands.request import Reply
from arqonbus.protocol.payloads import ListRoomsArgs, ListRoomsResult, RoomInfo
from tests.commands.calls import call, room_card, view


def test_it_answers_a_page_by_name() -> None:
    seen = view(room_card("beta", "c"), room_card("alpha", "one", "two"))

    assert list_rooms(call(ListRoomsArgs(limit=1)), seen) == Reply(
        ListRoomsResult((RoomInfo("alpha", 2, 0),), cursor="alpha")
    )
    assert list_rooms(call(ListRoomsArgs(limit=1, cursor="alpha")), seen) == Reply(
        ListRoomsResult((RoomInfo("beta", 1, 0),), cursor=None)
    )


def test_without_rooms_the_page_is_empty() -> None:
    assert list_rooms(call(ListRoomsArgs()), view()) == Reply(ListRoomsResult((), None))

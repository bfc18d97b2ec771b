"""The command ``list_rooms``."""

from arqonbus.commands.page import page_of
from arqonbus.commands.request import Call, Reply, View
from arqonbus.protocol.payloads import ListRoomsArgs, ListRoomsResult, RoomInfo

__all__ = ["list_rooms"]


def list_rooms(call: Call[ListRoomsArgs], view: View) -> Reply:
    """Answer a page of rooms, by name."""
    cards, cursor = page_of(view.directory.room_cards(), lambda card: card.room, call.args.limit, call.args.cursor)
    rooms = tuple(RoomInfo(card.room, len(card.channels), card.members) for card in cards)
    return Reply(ListRoomsResult(rooms, cursor))

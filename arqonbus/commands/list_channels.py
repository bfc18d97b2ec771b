"""The command ``list_channels``."""

from arqonbus.commands.page import page_of
from arqonbus.commands.request import Call, Reply, ToRoom, View
from arqonbus.errors import NotFound
from arqonbus.protocol.names import is_system, join_address
from arqonbus.protocol.payloads import ListChannelsArgs, ListChannelsResult
from arqonbus.routing.cards import ChannelCard
from arqonbus.routing.shared_mail import ListChannels

__all__ = ["list_channels"]


def list_channels(call: Call[ListChannelsArgs], view: View) -> Reply | ToRoom:
    """Answer a page of channels, by address; of one room or of all. A room of all servers asks what there is."""
    if call.room and view.is_shared and not is_system(call.room):
        return ToRoom(call.room, ListChannels(call.card, call.request_id, call.args))
    cards, cursor = page_of(_cards(call, view), _key, call.args.limit, call.args.cursor)
    return Reply(ListChannelsResult(tuple(card.info() for card in cards), cursor))


def _cards(call: Call[ListChannelsArgs], view: View) -> list[ChannelCard]:
    if not call.room:
        return [card for room in view.directory.room_cards() for _, card in room.channels.values()]
    room = view.directory.room_card(call.room)
    if room is None:
        raise NotFound(f"no room {call.room}")
    return [card for _, card in room.channels.values()]


def _key(card: ChannelCard) -> str:
    return join_address(card.room, card.channel)

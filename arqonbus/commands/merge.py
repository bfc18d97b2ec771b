"""Merge: one answer to a command with ``scope`` cluster, made of those of several nodes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

from msgspec import UNSET, Struct, UnsetType, structs

from arqonbus.commands.page import page_of
from arqonbus.protocol.names import join_address
from arqonbus.protocol.payloads import (
    ChannelInfo,
    ListChannelsArgs,
    ListChannelsResult,
    ListRoomsArgs,
    ListRoomsResult,
    NodeStatus,
    RoomInfo,
    StatusResult,
    StorageStatus,
)

__all__ = ["MERGES", "Merge"]

T = TypeVar("T")

Answers = Mapping[str, Any]
"""By node, this one's first; of nodes that gave one."""

Merge = Callable[[Any, Answers, Sequence[str], bool], Struct]
"""Takes the args of the command, the answers, the nodes that gave none, and whether any node may be out of reach."""


def _status(args: Struct, answers: Answers, silent: Sequence[str], is_cut_off: bool) -> StatusResult:
    """Give this server's, with the sums of all, and one row a node."""
    all_of_them: list[StatusResult] = list(answers.values())
    rows = tuple(_row(node, one) for node, one in answers.items())
    sums = {
        field: sum([getattr(one, field) for one in all_of_them])
        for field in ("connections", "messages_in", "messages_out", "errors")
    }
    most = {field: max([getattr(one, field) for one in all_of_them]) for field in ("rooms", "channels")}
    is_degraded = any(one.storage.state == "degraded" for one in all_of_them)
    mine = all_of_them[0]
    storage = StorageStatus(mine.storage.backend, "degraded" if is_degraded else "ok")
    return structs.replace(
        mine,
        **sums,
        **most,
        storage=storage,
        nodes=rows,
        stale=tuple(sorted(silent)),
        partial=_partial(silent, is_cut_off),
    )


def _row(node: str, status: StatusResult) -> NodeStatus:
    fields = {field: getattr(status, field) for field in NodeStatus.__struct_fields__ if field != "node"}
    return NodeStatus(node=node, **fields)


def _rooms(args: ListRoomsArgs, answers: Answers, silent: Sequence[str], is_cut_off: bool) -> ListRoomsResult:
    pages: list[ListRoomsResult] = list(answers.values())
    found: dict[str, RoomInfo] = {}
    for room in [room for page in pages for room in page.rooms]:
        known = found.get(room.room, RoomInfo(room.room, 0, 0))
        found[room.room] = RoomInfo(room.room, max(known.channels, room.channels), known.members + room.members)
    cursors = [page.cursor for page in pages]
    rooms, cursor = _page(found.values(), lambda room: room.room, args.limit, cursors)
    return ListRoomsResult(tuple(rooms), cursor, _partial(silent, is_cut_off))


def _channels(args: ListChannelsArgs, answers: Answers, silent: Sequence[str], is_cut_off: bool) -> ListChannelsResult:
    pages: list[ListChannelsResult] = list(answers.values())
    found: dict[str, ChannelInfo] = {}
    for channel in [channel for page in pages for channel in page.channels]:
        known = found.setdefault(_address(channel), channel)
        if (channel.seq, channel.members) > (known.seq, known.members):  # a node may be a moment behind
            found[_address(channel)] = channel
    cursors = [page.cursor for page in pages]
    channels, cursor = _page(found.values(), _address, args.limit, cursors)
    return ListChannelsResult(tuple(channels), cursor, _partial(silent, is_cut_off))


def _address(channel: ChannelInfo) -> str:
    return join_address(channel.room, channel.channel)


def _page(
    items: Iterable[T], key: Callable[[T], str], limit: int | None, cursors: Sequence[str | None]
) -> tuple[list[T], str | None]:
    """Give the page that is whole: no further than the node that told least of what it has."""
    least = min([cursor for cursor in cursors if cursor is not None], default=None)
    page, cursor = page_of([item for item in items if least is None or key(item) <= least], key, limit, None)
    return page, cursor or least


def _partial(silent: Sequence[str], is_cut_off: bool) -> bool | UnsetType:
    return True if silent or is_cut_off else UNSET


MERGES: Final[Mapping[str, Merge]] = MappingProxyType(
    {"status": _status, "list_rooms": _rooms, "list_channels": _channels}
)
"""Commands that take ``scope``."""

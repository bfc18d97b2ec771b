"""One answer made of those of several nodes."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, structs

from arqonbus.commands.merge import MERGES
from arqonbus.commands.table import TABLE
from arqonbus.protocol.payloads import (
    ChannelInfo,
    ChannelOptions,
    ListChannelsArgs,
    ListChannelsResult,
    ListRoomsArgs,
    ListRoomsResult,
    RoomInfo,
    StatusArgs,
    StatusResult,
    StorageStatus,
)

OK = StorageStatus("redis", "ok")
STATUS = StatusResult("a", "1.0", 1.0, 10, 3, 5, 100, 200, 1, OK, draining=False)


def rooms(*names: str, cursor: str | None = None) -> ListRoomsResult:
    return ListRoomsResult(tuple(RoomInfo(name, 1, 2) for name in names), cursor)


def channel(name: str, seq: int = 1, members: int = 1) -> ChannelInfo:
    return ChannelInfo("r", name, ChannelOptions(), "e", seq, members, "2026-11-21T19:00:00.000Z", None, "user")


def test_every_command_that_takes_a_scope_can_be_merged() -> None:
    takes = {name for name, row in TABLE.items() if "scope" in row.shape.args.__struct_fields__}

    assert takes == set(MERGES)


def test_a_status_has_sums_and_a_row_a_node_and_names_who_is_silent() -> None:
    other = structs.replace(STATUS, server="b", connections=5, rooms=9, storage=StorageStatus("redis", "degraded"))
    merged: Any = MERGES["status"](StatusArgs("cluster"), {"a.1": STATUS, "b.1": other}, ["c.1"], False)

    assert (merged.server, merged.connections, merged.messages_in, merged.rooms) == ("a", 15, 200, 9)
    assert merged.storage.state == "degraded"
    assert [(row.node, row.server, row.connections) for row in merged.nodes] == [("a.1", "a", 10), ("b.1", "b", 5)]
    assert (merged.stale, merged.partial) == (("c.1",), True)


def test_a_status_of_one_is_whole() -> None:
    merged: Any = MERGES["status"](StatusArgs("cluster"), {"a.1": STATUS}, [], False)

    assert (merged.stale, merged.partial, len(merged.nodes)) == ((), UNSET, 1)


def test_rooms_are_one_list_with_the_members_of_all() -> None:
    answers = {"a": rooms("x", "y"), "b": rooms("y", "z")}
    merged: Any = MERGES["list_rooms"](ListRoomsArgs(), answers, [], True)

    assert [(room.room, room.members) for room in merged.rooms] == [("x", 2), ("y", 4), ("z", 2)]
    assert (merged.cursor, merged.partial) == (None, True)


def test_a_page_goes_no_further_than_the_node_that_told_least() -> None:
    answers = {"a": rooms("a", "b", "c", cursor="c"), "b": rooms("x", "y", "z", cursor="z")}
    merged: Any = MERGES["list_rooms"](ListRoomsArgs(limit=3), answers, [], False)

    assert ([room.room for room in merged.rooms], merged.cursor) == (["a", "b", "c"], "c")


def test_a_page_has_no_more_than_its_limit() -> None:
    answers = {"a": rooms("a", "c"), "b": rooms("b", "d", cursor="d")}
    merged: Any = MERGES["list_rooms"](ListRoomsArgs(limit=2), answers, [], False)

    assert ([room.room for room in merged.rooms], merged.cursor) == (["a", "b"], "b")


def test_a_channel_is_as_the_node_knows_it_that_is_ahead() -> None:
    answers = {
        "a": ListChannelsResult((channel("x", 5, 3),), None),
        "b": ListChannelsResult((channel("x", 7, 3), channel("y")), None),
    }
    merged: Any = MERGES["list_channels"](ListChannelsArgs(), answers, [], False)

    assert [(one.channel, one.seq, one.members) for one in merged.channels] == [("x", 7, 3), ("y", 1, 1)]

"""``arqonbus rooms``: list the rooms."""

import argparse
from typing import TYPE_CHECKING

from arqonbus.cli.kit.connection import add_connection, connected
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.lists import add_limit, pages
from arqonbus.cli.kit.parser import Parser

if TYPE_CHECKING:
    from arqonbus.protocol.payloads import RoomInfo

__all__ = ["add", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus rooms", "with the number of channels and members of each")
    parser.add_example("arqonbus rooms --json", "for programs")
    add_limit(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """List them."""
    from arqonbus.cli.kit.running import run_async

    return run_async(_rooms, options)


async def _rooms(options: argparse.Namespace) -> int:
    from arqonbus.cli.kit.output import Column, Output
    from arqonbus.cli.kit.records import RoomRecord

    async with connected(options) as bus:

        async def page(limit: int, cursor: str | None) -> "tuple[tuple[RoomInfo, ...], str | None]":
            found = await bus.list_rooms(limit=limit, cursor=cursor)
            return found.rooms, found.cursor

        rooms = await pages(page, options.limit)
    out = Output(as_json=options.json)
    if options.json:
        for one in rooms:
            out.record(RoomRecord(room=one.room, channels=one.channels, members=one.members))
        return Exit.OK
    columns = (Column("room"), Column("channels", right=True), Column("members", right=True))
    out.table(columns, [(one.room, one.channels, one.members) for one in rooms])
    return Exit.OK

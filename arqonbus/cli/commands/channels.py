"""``arqonbus channels``: list the channels of a room, or all."""

import argparse
from typing import TYPE_CHECKING

from arqonbus.cli.kit.arguments import place
from arqonbus.cli.kit.connection import add_connection, connected
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.lists import add_limit, pages
from arqonbus.cli.kit.parser import Parser

if TYPE_CHECKING:
    from arqonbus.client import ChannelInfo

__all__ = ["add", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus channels", "of all rooms")
    parser.add_example("arqonbus channels science", "of one room")
    parser.add_example("arqonbus channels --json | jq -r .address", "for programs")
    parser.add_argument("room", metavar="ROOM", nargs="?", type=place, help="default: all rooms")
    add_limit(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """List them."""
    from arqonbus.cli.kit.running import run_async

    return run_async(_channels, options)


async def _channels(options: argparse.Namespace) -> int:
    import msgspec

    from arqonbus.cli.kit.output import Column, Output
    from arqonbus.cli.kit.records import ChannelRecord

    async with connected(options) as bus:

        async def page(limit: int, cursor: str | None) -> "tuple[tuple[ChannelInfo, ...], str | None]":
            found = await bus.list_channels(options.room, limit=limit, cursor=cursor)
            return found.channels, found.cursor

        channels = await pages(page, options.limit)
    out = Output(as_json=options.json)
    if options.json:
        for one in channels:
            names = ("kind", "epoch", "seq", "members", "created_at", "created_by")
            fields = {name: getattr(one, name) for name in names}
            address, settings = f"{one.room}:{one.channel}", msgspec.to_builtins(one.options)
            out.record(ChannelRecord(address=address, options=settings, **fields))
        return Exit.OK
    columns = (
        Column("channel"),
        Column("last", right=True),
        Column("members", right=True),
        Column("kind", rank=1),
        Column("created", rank=2),
    )
    rows = [(f"{one.room}:{one.channel}", one.seq, one.members, one.kind, out.when(one.created_at)) for one in channels]
    out.table(columns, rows)
    return Exit.OK

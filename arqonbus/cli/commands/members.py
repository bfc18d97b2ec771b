"""``arqonbus members``: list who is in a channel or a room."""

import argparse
from typing import TYPE_CHECKING

from arqonbus.cli.kit.arguments import place
from arqonbus.cli.kit.connection import add_connection, connected
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.lists import add_limit, pages
from arqonbus.cli.kit.parser import Parser

if TYPE_CHECKING:
    from arqonbus.client import MemberInfo

__all__ = ["add", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus members science:explore", "of a channel")
    parser.add_example("arqonbus members science --json", "of a whole room, for programs")
    parser.add_argument("place", metavar="PLACE", type=place, help="room:channel, or a room")
    add_limit(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """List them."""
    from arqonbus.cli.kit.running import run_async

    return run_async(_members, options)


async def _members(options: argparse.Namespace) -> int:
    import msgspec

    from arqonbus.cli.kit.output import Column, Output
    from arqonbus.cli.kit.records import MemberRecord

    async with connected(options) as bus:

        async def page(limit: int, cursor: str | None) -> "tuple[tuple[MemberInfo, ...], str | None]":
            found = await bus.members(options.place, limit=limit, cursor=cursor)
            return found.members, found.cursor

        members = await pages(page, options.limit)
    out = Output(as_json=options.json)
    if options.json:
        for member in members:
            fields = {name: getattr(member, name) for name in ("client", "user", "joined_at", "group")}
            out.record(MemberRecord(**fields, profile=msgspec.to_builtins(member.profile)))
        return Exit.OK
    columns = (Column("client"), Column("user"), Column("name"), Column("type", rank=1), Column("joined", rank=2))
    rows = [
        (one.client, one.user, one.profile.screen_name, one.profile.client_type, out.when(one.joined_at))
        for one in members
    ]
    out.table(columns, rows)
    return Exit.OK

"""``arqonbus history``: print what a channel keeps."""

import argparse
from typing import TYPE_CHECKING, Any, Final

from arqonbus.cli.kit.arguments import channel, count
from arqonbus.cli.kit.connection import add_connection, connected
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import note
from arqonbus.cli.kit.parser import Parser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from arqonbus.client import Bus, Message

__all__ = ["add", "run"]

_PAGE: Final = 1000
"""Messages that are asked for at once; the protocol allows no more."""

_LIMIT: Final = 50
"""Messages that are printed where nobody said how many."""


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus history science:explore", "the newest 50, the newest one last")
    parser.add_example("arqonbus history science:explore --all --json > kept.ndjson", "everything, for programs")
    parser.add_example("arqonbus history science:explore --after 41 -l 10", "the ten behind #41")
    parser.add_example("arqonbus history science:explore --order desc -l 5", "the newest first")
    parser.add_argument("channel", metavar="CHANNEL", type=channel, help="room:channel")
    reading = parser.add_argument_group("reading")
    reading.add_argument("-l", "--limit", metavar="N", type=count, help=f"so many at most (default: {_LIMIT})")
    reading.add_argument("--all", action="store_true", help="without a limit")
    reading.add_argument("--after", metavar="SEQ", type=int, help="what follows this one; the first of them")
    reading.add_argument("--before", metavar="SEQ", type=int, help="what comes before this one")
    reading.add_argument(
        "--order",
        choices=("asc", "desc"),
        default="asc",
        help="of what is printed: oldest first (the default), or newest",
    )
    reading.add_argument("--raw", action="store_true", help="payloads only; texts without quotes")
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Print it."""
    from arqonbus.cli.kit.running import run_async

    return run_async(_history, options)


async def _history(options: argparse.Namespace) -> int:
    from arqonbus.cli.kit.messages import MessageWriter
    from arqonbus.cli.kit.output import Output

    writer = MessageWriter(Output(as_json=options.json), raw=options.raw, with_date=True)
    limit = None if options.all else options.limit or _LIMIT
    # What was asked for without `--after` is counted from the newest, so it is read in that order and turned round.
    from_oldest = options.after is not None or options.all
    turned = from_oldest == (options.order == "desc")
    async with connected(options) as bus:
        messages = _pages(bus, options, "asc" if from_oldest else "desc", limit)
        if not turned:
            async for message in messages:
                writer.show(message)
            return Exit.OK
        kept = [message async for message in messages]
    for message in reversed(kept):
        writer.show(message)
    return Exit.OK


async def _pages(
    bus: "Bus", options: argparse.Namespace, order: str, limit: int | None
) -> "AsyncIterator[Message[Any]]":
    """Give messages page by page, in this order, so many at most."""
    from msgspec import Raw

    after, before, left = options.after, options.before, limit
    while left is None or left > 0:
        size = _PAGE if left is None else min(_PAGE, left)
        page = await bus.history(options.channel, limit=size, after=after, before=before, order=order, type=Raw)
        for message in page.messages:
            yield message
        if not page.messages or not page.more:
            return
        if left is not None:
            left -= len(page.messages)
        last = page.messages[-1].seq
        after, before = (last, before) if order == "asc" else (after, last)
    if options.limit is None:
        note("there is more: --limit, or --all")

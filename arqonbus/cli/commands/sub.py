"""``arqonbus sub``: print the messages of channels, live, after what was said before if that is wanted."""

from __future__ import annotations

import argparse
from typing import Any

from arqonbus.cli.kit.arguments import channel_or_room, count
from arqonbus.cli.kit.connection import add_connection
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure
from arqonbus.cli.kit.parser import Parser

__all__ = ["add", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus sub science:explore", "what comes from now on, until Ctrl-C")
    parser.add_example("arqonbus sub science:explore --since all", "everything that is kept first, then go on")
    parser.add_example("arqonbus sub 'science:*' --json | jq .payload", "every channel of a room, for programs")
    parser.add_example("arqonbus sub jobs:queue -n 1 --timeout 5 --raw", "one message, as a shell wants it")
    parser.add_argument("channels", metavar="CHANNEL", nargs="+", type=channel_or_room, help="room:channel, or room:*")
    reading = parser.add_argument_group("reading")
    reading.add_argument(
        "--since", metavar="PLACE", help="begin with what is kept: all, latest, latest:N, SEQ or EPOCH:SEQ (behind it)"
    )
    reading.add_argument("-n", "--count", metavar="N", type=count, help="end after N messages")
    reading.add_argument("--group", metavar="NAME", help="share the messages with the other members of this group")
    reading.add_argument("--presence", action="store_true", help="tell who comes and goes, too")
    reading.add_argument(
        "--gaps", choices=("warn", "fail"), default="warn", help="when messages are missing: say so, or end with 7"
    )
    reading.add_argument("--raw", action="store_true", help="payloads only; texts without quotes")
    reading.add_argument("-q", "--quiet", action="store_true", help="nothing on stderr but gaps and errors")
    add_connection(parser, timeout="end after so long; with --count and too few messages by then: exit code 5")
    parser.exits = tuple(sorted({*parser.exits, Exit.LOSS} - {Exit.INTERRUPTED}))


def run(options: argparse.Namespace) -> int:
    """Print messages until there are enough, the time is over, or Ctrl-C."""
    from arqonbus.cli.kit.past import since_of
    from arqonbus.cli.kit.running import run_async
    from arqonbus.cli.reading import Reading

    try:
        options.since = None if options.since is None else since_of(options.since)
    except argparse.ArgumentTypeError as error:
        raise Failure(Exit.USAGE, f"--since: {error}", code="usage") from error
    _check(options)
    reading = Reading(options)

    def interrupted() -> int:
        reading.say_good_bye()
        return Exit.OK

    return run_async(reading.run, options, on_interrupt=interrupted)


def _check(options: argparse.Namespace) -> None:
    """Refuse what does not go together. Raises Failure."""
    rooms = [address for address in options.channels if address.endswith(":*")]
    given: dict[str, Any] = {"--since": options.since, "--group": options.group}
    for flag, value in given.items():
        if value is not None and rooms:
            raise Failure(Exit.USAGE, f"{flag} is for one channel, and not for {rooms[0]}", code="usage")
    if options.group is not None and (options.since is not None or options.presence):
        message = "--group goes with neither --since nor --presence: a group begins with new messages"
        raise Failure(Exit.USAGE, message, code="usage")

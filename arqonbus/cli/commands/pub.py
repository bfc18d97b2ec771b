"""``arqonbus pub``: publish messages, from the command line or from stdin."""

import argparse

from arqonbus.cli.kit.arguments import channel, count, header, rate
from arqonbus.cli.kit.connection import add_connection
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure
from arqonbus.cli.kit.parser import Parser

__all__ = ["add", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("""arqonbus pub science:explore '{"hello":"world"}'""", "one message")
    parser.add_example("echo 21.5 | arqonbus pub lab:readings", "what stands on standard input, as one message")
    parser.add_example("tail -f app.log | arqonbus pub logs:app --lines --text", "each line as a message of its own")
    parser.add_example("arqonbus pub load:test '{}' -n 1000 --rate 100/s", "the same, again and again")
    parser.add_argument("channel", metavar="CHANNEL", type=channel, help="room:channel")
    parser.add_argument("data", metavar="DATA", nargs="?", help="JSON, or any other text; -, or none: standard input")
    sending = parser.add_argument_group("messages")
    sending.add_argument("--lines", action="store_true", help="each line of standard input is a message")
    sending.add_argument("--text", action="store_true", help="a payload is a text, even if it looks like JSON")
    sending.add_argument("-n", "--count", metavar="N", type=count, default=1, help="send it N times")
    sending.add_argument("--rate", metavar="R", type=rate, help="so many a second at most, as 100/s or 6/m")
    sending.add_argument(
        "--id", metavar="ID", help="id of the message, for which it is published once; of several: ID-1, ID-2"
    )
    sending.add_argument(
        "-H",
        "--header",
        metavar="NAME=VALUE",
        type=header,
        action="append",
        default=[],
        help="metadata; may be repeated",
    )
    ack = sending.add_mutually_exclusive_group()
    ack.add_argument("--ack", action="store_true", default=True, help="wait until the server has each (the default)")
    ack.add_argument(
        "--no-ack", dest="ack", action="store_false", help="do not wait for each; refusals are told at the end"
    )
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Publish."""
    from arqonbus.cli.kit.running import run_async
    from arqonbus.cli.publishing import Publishing

    if options.lines and options.data not in (None, "-"):
        raise Failure(Exit.USAGE, "--lines reads standard input, so it goes with no DATA", code="usage")
    if options.lines and options.count > 1:
        raise Failure(Exit.USAGE, "--lines and --count do not go together", code="usage")
    return run_async(Publishing(options).run, options)

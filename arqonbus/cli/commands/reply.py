"""``arqonbus reply``: answer the requests of a channel."""

import argparse

from arqonbus.cli.kit.arguments import channel, count
from arqonbus.cli.kit.connection import add_connection
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.parser import Parser

__all__ = ["add", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus reply test:echo --echo", "with what was asked")
    parser.add_example("""arqonbus reply test:fixed --data '{"ok":true}'""", "with the same, always")
    parser.add_example("arqonbus reply math:size --exec 'jq length'", "with what a program makes of it")
    parser.add_argument("channel", metavar="CHANNEL", type=channel, help="room:channel")
    answers = parser.add_argument_group("answers").add_mutually_exclusive_group(required=True)
    answers.add_argument("--echo", action="store_true", help="the payload of the request")
    answers.add_argument("--data", metavar="DATA", help="JSON, or any other text")
    answers.add_argument(
        "--exec",
        dest="program",
        metavar="CMD",
        help="run a program, without a shell: the payload is its standard input, its output the answer; "
        "an exit code other than 0 is an error",
    )
    serving = parser.add_argument_group("serving")
    serving.add_argument("--text", action="store_true", help="the answer is a text, even if it looks like JSON")
    serving.add_argument("--group", metavar="NAME", help="share the requests with the other members of this group")
    serving.add_argument("-n", "--count", metavar="N", type=count, help="end after N answers")
    serving.add_argument("--concurrency", metavar="N", type=count, default=8, help="answers at once (default: 8)")
    serving.add_argument("-q", "--quiet", action="store_true", help="nothing on stderr but errors")
    add_connection(parser, timeout="for the connection, and for each answer of --exec (default: 10)")
    parser.exits = tuple(code for code in parser.exits if code != Exit.INTERRUPTED)


def run(options: argparse.Namespace) -> int:
    """Answer until there were enough requests, or Ctrl-C."""
    from arqonbus.cli.answering import Answering
    from arqonbus.cli.kit.running import run_async

    answering = Answering(options)

    def interrupted() -> int:
        answering.say_good_bye()
        return Exit.OK

    return run_async(answering.run, options, on_interrupt=interrupted)

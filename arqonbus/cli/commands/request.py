"""``arqonbus request``: ask something on a channel and print the answer."""

import argparse

from arqonbus.cli.kit.arguments import channel, header
from arqonbus.cli.kit.connection import add_connection, connected
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure
from arqonbus.cli.kit.parser import Parser

__all__ = ["add", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("""arqonbus request math:divide '{"number":12,"by":3}'""", "ask whoever serves the channel")
    parser.add_example("arqonbus request --to c-7N95AucQiBRX0OQ7 ping", "ask one client")
    parser.add_example("arqonbus request time:now --timeout 2 --raw", "for a shell")
    parser.add_argument("channel", metavar="CHANNEL", nargs="?", help="room:channel of those who answer")
    parser.add_argument(
        "data", metavar="DATA", nargs="?", help="JSON, or any other text; -: standard input; default: null"
    )
    asking = parser.add_argument_group("asking")
    asking.add_argument("--to", metavar="CLIENT", help="the client that is to answer; then there is no CHANNEL")
    asking.add_argument("--text", action="store_true", help="the payload is a text, even if it looks like JSON")
    asking.add_argument(
        "-H",
        "--header",
        metavar="NAME=VALUE",
        type=header,
        action="append",
        default=[],
        help="metadata; may be repeated",
    )
    asking.add_argument("--raw", action="store_true", help="a text without quotes")
    add_connection(parser, timeout="for the connection, and for the answer (default: 10)")


def run(options: argparse.Namespace) -> int:
    """Ask, and print the answer."""
    from arqonbus.cli.kit.running import run_async

    if options.to is not None:
        if options.data is not None:
            raise Failure(Exit.USAGE, "CHANNEL and --to: expected one of them, got both", code="usage")
        options.channel, options.data = None, options.channel
    elif options.channel is None:
        raise Failure(Exit.USAGE, "expected a CHANNEL, or --to CLIENT", hint="arqonbus request --help", code="usage")
    else:
        try:
            options.channel = channel(options.channel)
        except argparse.ArgumentTypeError as error:
            raise Failure(Exit.USAGE, str(error), code="usage") from error
    return run_async(_request, options)


async def _request(options: argparse.Namespace) -> int:
    from msgspec import Raw

    from arqonbus.cli.kit.messages import MessageWriter
    from arqonbus.cli.kit.output import Output
    from arqonbus.cli.kit.payloads import payload_of, read_all

    text = await read_all() if options.data == "-" else options.data
    payload = Raw(b"null") if text is None else payload_of(text, as_text=options.text)
    async with connected(options) as bus:
        metadata = dict(options.header)
        answer = await bus.request_message(options.channel, payload, to=options.to, type=Raw, metadata=metadata)
    out = Output(as_json=options.json)
    out.is_terminal = False  # an answer has neither time nor place that anybody looks for
    MessageWriter(out, raw=options.raw).show(answer)
    return Exit.OK

"""``arqonbus cmd``: run any command of the protocol."""

import argparse
from typing import Any

from arqonbus.cli.kit.connection import add_connection, connected
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure
from arqonbus.cli.kit.parser import Parser

__all__ = ["add", "args_of", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus cmd whoami")
    parser.add_example("arqonbus cmd create_channel room=lab channel=readings options.history_limit=100")
    parser.add_example("""arqonbus cmd channel_info '{"room":"lab","channel":"readings"}'""", "args as JSON")
    parser.add_example("arqonbus cmd help command=history", "what a command takes and answers")
    parser.add_argument("name", metavar="NAME", help="of the command, see docs/PROTOCOL.md")
    parser.add_argument("args", metavar="ARG", nargs="*", help="key=value, the value JSON or text; or one JSON object")
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Run it, and print its answer."""
    from arqonbus.cli.kit.running import run_async

    options.args = args_of(options.args)
    return run_async(_cmd, options)


def args_of(given: list[str]) -> dict[str, Any]:
    """Read args. Raises Failure: they are none."""
    import msgspec

    if len(given) == 1 and given[0].lstrip().startswith("{"):
        try:
            return msgspec.json.decode(given[0], type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise Failure(Exit.USAGE, f"the args are no JSON object: {error}", code="usage") from error
    args: dict[str, Any] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise Failure(Exit.USAGE, f"expected key=value or one JSON object, got {text!r}", code="usage")
        *path, last = name.split(".")
        inner = args
        for part in path:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise Failure(Exit.USAGE, f"{name}: {part} has a value already", code="usage")
        inner[last] = _value(value)
    return args


def _value(text: str) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


async def _cmd(options: argparse.Namespace) -> int:
    import msgspec

    from arqonbus.cli.kit.output import Output
    from arqonbus.cli.kit.records import ResultRecord

    async with connected(options) as bus:
        result = await bus.command(options.name, options.args, type=msgspec.Raw)
    out = Output(as_json=options.json)
    if options.json:
        out.record(ResultRecord(command=options.name, result=result))
    else:
        out.line(msgspec.json.format(bytes(result), indent=2 if out.is_terminal else -1).decode())
    return Exit.OK

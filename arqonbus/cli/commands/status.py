"""``arqonbus status``: ask a server how it is."""

import argparse

from arqonbus.cli.kit.connection import add_connection, connected
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.parser import Parser

__all__ = ["add", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus status", "of the server on this machine")
    parser.add_example("arqonbus status --url wss://bus.example.org/ --json", "for programs")
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Ask, and show."""
    from arqonbus.cli.kit.running import run_async

    return run_async(_status, options)


async def _status(options: argparse.Namespace) -> int:
    from msgspec.structs import asdict

    from arqonbus.cli.kit.output import Output, duration
    from arqonbus.cli.kit.records import StatusRecord

    async with connected(options) as bus:
        status = await bus.status()
    out = Output(as_json=options.json)
    storage = status.storage
    if options.json:
        fields = {name: value for name, value in asdict(status).items() if name in StatusRecord.__struct_fields__}
        out.record(StatusRecord(**fields, backend=storage.backend, state=storage.state))
        return Exit.OK
    is_well = storage.state == "ok" and not status.draining
    state = "draining" if status.draining else storage.state
    out.facts(
        [
            ("server", status.server),
            ("version", status.version),
            ("state", out.painted(state, "green" if is_well else "yellow")),
            ("storage", f"{storage.backend}, {storage.state}"),
            ("uptime", duration(status.uptime_s)),
            ("connections", status.connections),
            ("rooms", status.rooms),
            ("channels", status.channels),
            ("messages in", status.messages_in),
            ("messages out", status.messages_out),
            ("errors", status.errors),
        ]
    )
    return Exit.OK

"""``arqonbus run``: start a server."""

import argparse

from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.parser import Parser
from arqonbus.cli.kit.settings import add_setting_flags, load, load_or_tell

__all__ = ["add", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus run", "on 127.0.0.1:9100, with the defaults")
    parser.add_example("arqonbus run --port 8000 --log-level debug")
    parser.add_example("arqonbus run --workers 4 --set redis.url=redis://127.0.0.1", "four processes, one bus")
    parser.add_example("arqonbus run --config /etc/arqonbus.toml --set history.limit=100")
    add_setting_flags(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    loaded = load_or_tell(options)
    if loaded is None:
        return Exit.USAGE
    from arqonbus.server import serve

    return serve(loaded.settings, lambda: load(options).settings)

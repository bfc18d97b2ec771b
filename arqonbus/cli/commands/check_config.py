"""``arqonbus check-config``: say whether the configuration is right, or everything that is wrong."""

import argparse
import json

from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.parser import Parser
from arqonbus.cli.kit.settings import add_json_flag, add_setting_flags, load, tell_problems

__all__ = ["add", "run"]


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus check-config /etc/arqonbus.toml", "every problem, with its line")
    parser.add_example("arqonbus check-config --json", "of the environment, for programs")
    parser.add_argument("file", metavar="FILE", nargs="?", help="TOML file; the same as --config")
    add_setting_flags(parser)
    add_json_flag(parser)


def run(options: argparse.Namespace) -> int:
    """Check, and tell."""
    from arqonbus.errors import ConfigError

    if options.file is not None:
        if options.config is not None:
            return tell_problems(["FILE and --config: expected one of them, got both"], as_json=options.json)
        options.config = options.file
    try:
        loaded = load(options)
    except ConfigError as error:
        return tell_problems(list(error.problems), as_json=options.json)
    n_set = sum(origin != "default" for origin in loaded.origins.values())
    if options.json:
        print(json.dumps({"ok": True, "file": loaded.file, "set": n_set, "problems": []}))
    else:
        print(f"ok: {loaded.file or 'no file'}, {n_set} of {len(loaded.origins)} settings set, the rest are defaults")
    return Exit.OK

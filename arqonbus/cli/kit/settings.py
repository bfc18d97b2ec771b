"""Settings on the command line: the flags that set them, and how what is wrong with them is told."""

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Final

from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.terminal import has_colour, painted

if TYPE_CHECKING:
    from arqonbus.config import Loaded, Override

__all__ = ["add_json_flag", "add_setting_flags", "load", "load_or_tell", "tell_problems"]

_FLAGS: Final = {
    "--host": ("server.host", "ADDRESS", "address or host name to listen on"),
    "--port": ("server.port", "PORT", "TCP port; 0 takes any free one"),
    "--workers": ("server.workers", "N", "processes that serve the port together; needs redis.url"),
    "--log-level": ("log.level", "LEVEL", "debug, info, warning or error"),
    "--log-format": ("log.format", "FORMAT", "auto, text or json"),
}


def add_setting_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that set something. Values are checked with the rest of the configuration, not here."""
    parser.add_argument("--config", metavar="FILE", help="TOML file; default: ARQONBUS_CONFIG, else no file")
    for flag, (key, metavar, meaning) in _FLAGS.items():
        parser.add_argument(flag, metavar=metavar, help=f"{meaning} ({key})")
    parser.add_argument(
        "--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="any setting; may be repeated"
    )


def add_json_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--json`` to a command that answers with one object."""
    parser.add_argument("--json", action="store_true", help="write one JSON object")


def load(options: argparse.Namespace) -> "Loaded":
    """Return the configuration of the flags, the environment and the file. Raises ConfigError."""
    from arqonbus.config import load

    return load(_overrides(options), os.environ, options.config)


def load_or_tell(options: argparse.Namespace) -> "Loaded | None":
    """Return the configuration, or None after every problem was written to stderr."""
    from arqonbus.errors import ConfigError

    try:
        return load(options)
    except ConfigError as error:
        tell_problems(list(error.problems), as_json=False)
        return None


def tell_problems(problems: list[str], *, as_json: bool) -> int:
    """Write the problems, to stdout as JSON or to stderr as text, and return the exit code."""
    if as_json:
        print(json.dumps({"ok": False, "problems": problems}))
        return Exit.USAGE
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    print(f"arqonbus: {painted(f'{count} in the configuration', 'red', has_colour(sys.stderr))}", file=sys.stderr)
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)
    return Exit.USAGE


def _overrides(options: argparse.Namespace) -> "list[Override]":
    """Return what the flags set; the short flags win over --set."""
    from arqonbus.config import Override

    overrides = [Override("--set", assignment) for assignment in options.set]
    for flag, (key, _, _) in _FLAGS.items():
        value = getattr(options, flag.removeprefix("--").replace("-", "_"))
        if value is not None:
            overrides.append(Override(flag, key, value))
    return overrides

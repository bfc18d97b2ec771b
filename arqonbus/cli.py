"""The ``arqonbus`` command: run a server, check and show its configuration.

Only the standard library is imported here, and the rest inside the command that needs it: ``--help`` answers at once.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from arqonbus import __version__

if TYPE_CHECKING:
    from arqonbus.config import Loaded, Override
    from arqonbus.config.reference import Row

__all__ = ["main"]

OK = 0
WRONG = 2
"""Exit code of wrong usage, of a wrong configuration, and of a server that could not start."""

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of the signal, as shells have it."""

PROTOCOL_VERSION = "1.0"
"""As in ``arqonbus.protocol``, which is too slow to import here; a test compares."""

_SETTING_FLAGS = {
    "--host": ("server.host", "ADDRESS", "address or host name to listen on"),
    "--port": ("server.port", "PORT", "TCP port; 0 takes any free one"),
    "--log-level": ("log.level", "LEVEL", "debug, info, warning or error"),
    "--log-format": ("log.format", "FORMAT", "auto, text or json"),
}

_EPILOG = """\
examples:
  arqonbus run                                    on 127.0.0.1:9100, with the defaults
  arqonbus run --port 8000 --log-level debug
  arqonbus run --config /etc/arqonbus.toml --set history.limit=100
  ARQONBUS_SERVER_PORT=8000 arqonbus run
  arqonbus check-config /etc/arqonbus.toml        every problem, with its line
  arqonbus config --json                          what would be used, and where each value comes from

Flags win over environment variables (ARQONBUS_SECTION_KEY), those over the file, the file over the defaults.

exit codes:
  0  done; for run: stopped after all connections were drained
  1  internal error: a bug
  2  wrong usage, wrong configuration, or the server could not start
  128 + signal, as 130: a second signal stopped run before all connections were drained
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code. Wrong usage exits with 2 (argparse).

    Args:
        argv: the arguments without the program's name; None: those of the process
    """
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        code = _run_command(parser, options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED  # before the server had set its handlers, or in a command that has none
    except BrokenPipeError:
        # The reader of our output has gone, as in "arqonbus config | head". Nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return code


def _run_command(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.command == "run":
        return _run(options)
    if options.command == "check-config":
        return _check_config(options)
    if options.command == "config":
        return _config(options)
    if options.command == "version":
        return _version(options)
    parser.print_help()
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="arqonbus",
        description="A WebSocket message bus: rooms, channels, history.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"arqonbus {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    run = _add(commands, "run", "start a server")
    _add_setting_flags(run)
    check = _add(commands, "check-config", "say whether the configuration is right, or everything that is wrong")
    check.add_argument("file", metavar="FILE", nargs="?", help="TOML file; the same as --config")
    _add_setting_flags(check)
    _add_json_flag(check)
    config = _add(commands, "config", "show the effective configuration and where each value comes from")
    _add_setting_flags(config)
    _add_json_flag(config)
    _add_json_flag(_add(commands, "version", "show the versions of arqonbus and what it runs on"))
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, meaning: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=meaning, description=f"{meaning[:1].upper()}{meaning[1:]}.", allow_abbrev=False
    )


def _add_setting_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that set something. Values are checked with the rest of the configuration, not here."""
    parser.add_argument("--config", metavar="FILE", help="TOML file; default: ARQONBUS_CONFIG, else no file")
    for flag, (key, metavar, meaning) in _SETTING_FLAGS.items():
        parser.add_argument(flag, metavar=metavar, help=f"{meaning} ({key})")
    parser.add_argument(
        "--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="any setting; may be repeated"
    )


def _add_json_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="write one JSON object")


def _run(options: argparse.Namespace) -> int:
    loaded = _load_or_tell(options)
    if loaded is None:
        return WRONG
    from arqonbus.server import serve

    return serve(loaded.settings, lambda: _load(options).settings)


def _check_config(options: argparse.Namespace) -> int:
    from arqonbus.errors import ConfigError

    if options.file is not None:
        if options.config is not None:
            return _tell(["FILE and --config: expected one of them, got both"], options.json)
        options.config = options.file
    try:
        loaded = _load(options)
    except ConfigError as error:
        return _tell(list(error.problems), options.json)
    n_set = sum(origin != "default" for origin in loaded.origins.values())
    if options.json:
        print(json.dumps({"ok": True, "file": loaded.file, "set": n_set, "problems": []}))
    else:
        print(f"ok: {loaded.file or 'no file'}, {n_set} of {len(loaded.origins)} settings set, the rest are defaults")
    return OK


def _config(options: argparse.Namespace) -> int:
    loaded = _load_or_tell(options)
    if loaded is None:
        return WRONG
    from arqonbus.config.reference import effective, in_sections

    rows = effective(loaded)
    if options.json:
        origins = {row.key: row.origin for row in rows}
        print(json.dumps({"file": loaded.file, "settings": in_sections(rows), "origins": origins}, indent=2))
    else:
        print(_table(rows, _has_colour(sys.stdout)))
    return OK


def _version(options: argparse.Namespace) -> int:
    versions: dict[str, str | None] = {
        "arqonbus": __version__,
        "python": platform.python_version(),
        "protocol": PROTOCOL_VERSION,
    }
    versions |= {name: _installed(name) for name in ("uvloop", "websockets", "msgspec")}
    if options.json:
        print(json.dumps(versions))
    else:
        print("\n".join(f"{name:<10} {version or 'not installed'}" for name, version in versions.items()))
    return OK


def _installed(name: str) -> str | None:
    """Return the version of a package without importing it, or None."""
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _load_or_tell(options: argparse.Namespace) -> "Loaded | None":
    """Return the configuration, or None after every problem was written to stderr."""
    from arqonbus.errors import ConfigError

    try:
        return _load(options)
    except ConfigError as error:
        _tell(list(error.problems), as_json=False)
        return None


def _load(options: argparse.Namespace) -> "Loaded":
    from arqonbus.config import load

    return load(_overrides(options), os.environ, options.config)


def _overrides(options: argparse.Namespace) -> "list[Override]":
    """Return what the flags set; the short flags win over --set."""
    from arqonbus.config import Override

    overrides = [Override("--set", assignment) for assignment in options.set]
    for flag, (key, _, _) in _SETTING_FLAGS.items():
        value = getattr(options, flag.removeprefix("--").replace("-", "_"))
        if value is not None:
            overrides.append(Override(flag, key, value))
    return overrides


def _tell(problems: list[str], as_json: bool) -> int:
    """Write the problems, to stdout as JSON or to stderr as text, and return the exit code."""
    if as_json:
        print(json.dumps({"ok": False, "problems": problems}))
        return WRONG
    red, plain = ("\x1b[31m", "\x1b[0m") if _has_colour(sys.stderr) else ("", "")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    print(f"arqonbus: {red}{count} in the configuration{plain}", file=sys.stderr)
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)
    return WRONG


def _table(rows: "list[Row]", colour: bool) -> str:
    """Return key, value and origin in columns; what somebody set stands out."""
    cells = [(row.key, json.dumps(row.value), row.origin) for row in rows]
    key_width = max(len(key) for key, _, _ in cells)
    value_width = min(40, max(len(value) for _, value, _ in cells))
    lines = []
    for key, value, origin in cells:
        line = f"{key:<{key_width}}  {value:<{value_width}}  {origin}"
        weight = "\x1b[2m" if origin == "default" else "\x1b[1m"
        lines.append(f"{weight}{line}\x1b[0m" if colour else line)
    return "\n".join(lines)


def _has_colour(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

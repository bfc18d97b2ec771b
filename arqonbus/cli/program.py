"""The program: picks the command, runs it, and turns whatever happens into an exit code."""

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from arqonbus import __version__
from arqonbus.cli.kit.exits import MEANINGS, Exit
from arqonbus.cli.kit.failures import Failure, hint, tell
from arqonbus.cli.kit.parser import closest, exit_lines
from arqonbus.cli.table import COMMANDS, GROUPS, module_of, parser_of

__all__ = ["help_text", "main", "short_help"]

_EXAMPLES = """\
examples:
  arqonbus run                                       start a server on 127.0.0.1:9100
  arqonbus sub science:explore                       print what comes to a channel
  arqonbus pub science:explore '{"hello":"world"}'   publish to it
  arqonbus history science:explore --json            what was said, for programs
  arqonbus run --port 8000 --config bus.toml         with other settings
"""

_NOTES = """\
Server: --url, else ARQONBUS_URL, else ws://127.0.0.1:9100/. Token: --token-file FILE, else ARQONBUS_TOKEN.
Settings of run: flags win over environment variables (ARQONBUS_SERVER_PORT=8000), those over the file, the file over
the defaults. A second signal stops run before all connections were drained, with 128 and the signal's number.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code. Wrong usage exits with 2, as argparse does it.

    Args:
        argv: the arguments without the program's name; None: those of the process
    """
    try:
        code = _main(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED  # before the server had set its handlers, or in a command that has none
    except BrokenPipeError:
        # The reader of our output has gone, as in "arqonbus config | head". Nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    return code


def _main(argv: list[str]) -> int:
    if not argv:
        print(short_help(), end="")
        return Exit.OK
    name, *rest = argv
    if name in COMMANDS:
        return _run(name, parser_of(name).parse_args(rest))
    if name in ("-h", "--help", "help"):
        return _help(rest)
    if name in ("-V", "--version"):
        print(f"arqonbus {__version__}")
        return Exit.OK
    kind = "flag before a command" if name.startswith("-") else "command"
    print(f"arqonbus: error: no such {kind}: {name}{closest(name, COMMANDS)}", file=sys.stderr)
    hint("arqonbus --help")
    return Exit.USAGE


def _run(name: str, options: Namespace) -> int:
    if options.no_color:
        os.environ["NO_COLOR"] = "1"
    try:
        return module_of(name).run(options)
    except Failure as failure:
        tell(failure, as_json=getattr(options, "json", False))
        return failure.exit


def _help(rest: list[str]) -> int:
    if rest and rest[0] in COMMANDS:
        print(parser_of(rest[0]).format_help(), end="")
    else:
        print(help_text(), end="")
    return Exit.OK


def short_help() -> str:
    """Write what the program says when it is called without a command."""
    wide = max(len(name) for name in COMMANDS)
    lines = ["A WebSocket message bus: rooms, channels, history.", "", _EXAMPLES]
    lines.append("usage: arqonbus COMMAND ...     (arqonbus COMMAND --help tells more)\n")
    for group in GROUPS:
        rows = [(name, command) for name, command in COMMANDS.items() if command.group == group]
        if rows:
            lines.append(f"{group}:")
            lines += [f"  {name:<{wide}}  {command.meaning}" for name, command in rows]
    return "\n".join(lines) + "\n"


def help_text() -> str:
    """Write the help of the program."""
    exits = "".join(f"  {line}\n" for line in exit_lines(MEANINGS))
    return f"{short_help()}\n{_NOTES}\nexit codes:\n{exits}"

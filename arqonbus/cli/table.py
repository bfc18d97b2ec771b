"""The commands there are: one row each. A new command is a module and a row here."""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from arqonbus.cli.kit.parser import Parser

if TYPE_CHECKING:
    from argparse import Namespace

__all__ = ["COMMANDS", "GROUPS", "Command", "Module", "module_of", "parser_of"]

GROUPS: Final = ("talk", "look", "serve", "measure", "more")
"""Titles under which help lists the commands, in order."""


class Module(Protocol):
    """What a module of a command has."""

    add: Callable[[Parser], None]
    """Says what the command takes: examples, arguments, exit codes."""
    run: "Callable[[Namespace], int]"
    """Does it. Gives the exit code, or raises Failure."""


class Command(NamedTuple):
    """One row."""

    group: str
    """Of GROUPS."""
    meaning: str
    """What it does, in one line; lower case, no full stop."""
    module: str = ""
    """In `arqonbus.cli.commands`; empty: named as the command is, with `_` for `-`."""


COMMANDS: Final[Mapping[str, Command]] = MappingProxyType(
    {
        "pub": Command("talk", "publish messages, from the command line or standard input"),
        "sub": Command("talk", "print the messages of channels, live and from the past"),
        "request": Command("talk", "ask something on a channel and print the answer"),
        "reply": Command("talk", "answer the requests of a channel"),
        "status": Command("look", "ask a server how it is"),
        "rooms": Command("look", "list the rooms"),
        "channels": Command("look", "list the channels of a room, or all"),
        "members": Command("look", "list who is in a channel or a room"),
        "history": Command("look", "print what a channel keeps"),
        "cmd": Command("look", "run any command of the protocol"),
        "run": Command("serve", "start a server"),
        "check-config": Command("serve", "say whether the configuration is right, or everything that is wrong"),
        "config": Command("serve", "show the effective configuration and where each value comes from"),
        "doctor": Command("look", "say what is wrong with a machine, its settings, or a server, and what to do"),
        "top": Command("look", "show what a server does now, again and again"),
        "ping": Command("measure", "say how long a server takes to answer"),
        "bench": Command("measure", "put a load on a server, and say how long messages take"),
        "token": Command("serve", "make a key for a user, or say what a token is"),
        "error": Command("more", "explain an error code or a close code"),
        "schema": Command("more", "print the JSON Schemas of the protocol"),
        "completion": Command("more", "print the completion script of a shell"),
        "conformance": Command("measure", "try from outside whether a server keeps the protocol"),
        "version": Command("more", "show the versions of arqonbus and what it runs on"),
    }
)
"""Every command by its name, in the order of help."""


def module_of(name: str) -> Module:
    """Import the module of a command. Raises KeyError: there is no such command."""
    module = COMMANDS[name].module or name.replace("-", "_")
    return cast(Module, import_module(f"arqonbus.cli.commands.{module}"))  # a test looks at each


def parser_of(name: str) -> Parser:
    """Make the parser of a command. Raises KeyError: there is no such command."""
    parser = Parser(f"arqonbus {name}", COMMANDS[name].meaning)
    module_of(name).add(parser)
    if "--no-color" not in parser.flags():
        parser.add_argument("--no-color", action="store_true", help="no colours, whatever the terminal (env: NO_COLOR)")
    return parser

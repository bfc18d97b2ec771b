"""Failures: how a command says that it did not work. One exception, one way to print it."""

import json
import sys

from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.terminal import has_colour, painted, printable

__all__ = ["Failure", "hint", "note", "tell"]


class Failure(Exception):
    """What ends a command. `arqonbus.cli.program` prints it and exits with its code.

    Args:
        exit: exit code
        message: what happened; lower case, no secret
        hint: what to do about it; empty: nothing is known
        code: a word for programs; of the server where the server refused
    """

    def __init__(self, exit: Exit, message: str, *, hint: str = "", code: str = "failed") -> None:
        super().__init__(message)
        self.exit = exit
        self.message = message
        self.hint = hint
        self.code = code


def tell(failure: Failure, *, as_json: bool = False, colour: bool = True) -> None:
    """Write a failure to stderr: as two lines, or as one JSON object."""
    if as_json:
        record = {"type": "error", "v": 1, "code": failure.code, "message": failure.message}
        print(json.dumps({**record, "hint": failure.hint, "exit": int(failure.exit)}), file=sys.stderr)
        return
    paint = has_colour(sys.stderr, wanted=colour)
    print(f"arqonbus: {painted(printable(failure.message), 'red', paint)}", file=sys.stderr)
    if failure.hint:
        hint(failure.hint)


def hint(text: str) -> None:
    """Write what could be done next to stderr."""
    print(f"hint: {printable(text)}", file=sys.stderr)


def note(text: str) -> None:
    """Write what a person should know to stderr; data goes to stdout."""
    print(f"arqonbus: {printable(text)}", file=sys.stderr)

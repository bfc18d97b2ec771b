"""The parser of one command: argparse, with examples first, exit codes last, and a guess at what was meant."""

import argparse
import difflib
import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

from arqonbus.cli.kit.exits import LOCAL, MEANINGS, Exit
from arqonbus.cli.kit.failures import hint

__all__ = ["Parser", "closest", "exit_lines"]

_EXAMPLE_WIDTH = 46
"""Columns for an example before its meaning; a longer one gets a line of its own."""


class Parser(argparse.ArgumentParser):
    """Reads the arguments of one command.

    Args:
        prog: program and command, as `arqonbus pub`
        meaning: what the command does, in one line
    """

    def __init__(self, prog: str, meaning: str) -> None:
        super().__init__(
            prog=prog,
            description=f"{meaning[:1].upper()}{meaning[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.meaning = meaning
        self.examples: list[tuple[str, str]] = []  # command line, what it does
        self.exits: tuple[Exit, ...] = LOCAL  # that the command may end with, ascending

    def add_example(self, line: str, meaning: str = "") -> None:
        """Add an example, which help shows before everything else."""
        self.examples.append((line, meaning))

    def flags(self) -> Iterable[str]:
        """Give every flag."""
        return (flag for action in self._actions for flag in action.option_strings)

    def format_help(self) -> str:
        """Write the help: what it does, examples, usage and flags, exit codes."""
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        for group in self._action_groups:
            formatter.start_section(group.title)
            formatter.add_text(group.description)
            formatter.add_arguments(group._group_actions)
            formatter.end_section()
        parts = [f"{self.description}\n"]
        if self.examples:
            parts.append("examples:\n" + "".join(f"  {line}\n" for line in _examples(self.examples)))
        parts.append(formatter.format_help())
        parts.append("exit codes:\n" + "".join(f"  {line}\n" for line in exit_lines(self.exits)))
        return "\n".join(parts)

    def parse_args(  # type: ignore[override] # argparse overloads it for namespaces of other types, which nobody uses
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Read arguments. A wrong one ends the program with 2, and with the flag that was probably meant."""
        options, extra = self.parse_known_args(args, namespace)
        if extra:
            guess = closest(extra[0].partition("=")[0], self.flags()) if extra[0].startswith("-") else ""
            self.error(f"unrecognized arguments: {' '.join(extra)}{guess}")
        return options

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the usage, and exit with 2."""
        print(f"{self.prog}: error: {message}", file=sys.stderr)
        hint(f"{self.prog} --help")
        self.exit(Exit.USAGE)


def closest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?" for the known word nearest to this one, or nothing."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def exit_lines(exits: Iterable[Exit]) -> list[str]:
    """Write what each exit code means."""
    return [f"{int(code):<4} {MEANINGS[code]}" for code in exits]


def _examples(examples: Sequence[tuple[str, str]]) -> list[str]:
    wide = min(_EXAMPLE_WIDTH, max(len(line) for line, _ in examples))
    lines = []
    for line, meaning in examples:
        if len(line) > wide and meaning:
            lines += [line, f"{'':<{wide}}  {meaning}"]
        else:
            lines.append(f"{line:<{wide}}  {meaning}".rstrip())
    return lines

"""``arqonbus completion``: print the completion script of a shell."""

import argparse

from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.parser import Parser

__all__ = ["add", "run"]

SHELLS = ("bash", "zsh", "fish")


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example('eval "$(arqonbus completion bash)"', "in ~/.bashrc")
    parser.add_example("arqonbus completion zsh > ~/.zfunc/_arqonbus", "in a folder of $fpath")
    parser.add_example("arqonbus completion fish > ~/.config/fish/completions/arqonbus.fish")
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def run(options: argparse.Namespace) -> int:
    """Print it."""
    from arqonbus.cli.completing import script

    print(script(options.shell), end="")
    return Exit.OK

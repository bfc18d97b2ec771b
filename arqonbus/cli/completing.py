"""Completing: the completion scripts, made from the parsers of all commands. Nothing is asked of the program on Tab."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable
from typing import Final, NamedTuple

from arqonbus.cli.table import COMMANDS, parser_of

__all__ = ["Word", "script", "words_of"]

_FILES: Final = ("FILE",)
"""Metavars whose value is the name of a file."""


class Word(NamedTuple):
    """One thing that a command takes."""

    flags: tuple[str, ...]
    """Empty: it goes by its place."""
    meaning: str
    takes_value: bool
    choices: tuple[str, ...]
    is_file: bool


def words_of(name: str) -> list[Word]:
    """Give what a command takes."""
    return [_word(action) for action in parser_of(name)._actions if action.help != argparse.SUPPRESS]


def script(shell: str) -> str:
    """Write the script of a shell: bash, zsh or fish."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell]()


def _word(action: argparse.Action) -> Word:
    choices = tuple(str(choice) for choice in action.choices or ())
    takes_value = bool(action.option_strings) and action.nargs != 0
    meaning = " ".join((action.help or "").replace("%", "").split())
    return Word(tuple(action.option_strings), meaning, takes_value, choices, action.metavar in _FILES)


# --- bash -----------------------------------------------------------------------------------------------------------

_BASH_HEAD: Final = """\
# bash completion of arqonbus; made by `arqonbus completion bash`
_arqonbus() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=""
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "%s" -- "$cur"))
        return
    fi
    case ${COMP_WORDS[1]}:$prev in
"""

_BASH_TAIL: Final = """\
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _arqonbus arqonbus
"""


def _bash() -> str:
    lines = [_BASH_HEAD % " ".join([*COMMANDS, "--help", "--version"])]
    words = {name: words_of(name) for name in COMMANDS}
    for name, given in words.items():
        for word in given:
            if word.takes_value:
                pattern = "|".join(f"{name}:{flag}" for flag in word.flags)
                lines.append(f"        {pattern}) {_bash_value(word)} ;;\n")
    lines.append("    esac\n    case ${COMP_WORDS[1]} in\n")
    for name, given in words.items():
        offered = [flag for word in given for flag in word.flags]
        offered += [choice for word in given if not word.flags for choice in word.choices]
        files = ' COMPREPLY=($(compgen -f -- "$cur"));' if any(w.is_file and not w.flags for w in given) else ""
        if files:
            files = f" [[ $cur != -* ]] && {{{files} return; }};"
        lines.append(f"        {name}){files} words={shlex.quote(' '.join(offered))} ;;\n")
    return "".join([*lines, _BASH_TAIL])


def _bash_value(word: Word) -> str:
    if word.choices:
        return f'COMPREPLY=($(compgen -W "{" ".join(word.choices)}" -- "$cur")); return'
    return 'COMPREPLY=($(compgen -f -- "$cur")); return' if word.is_file else "return"


# --- zsh ------------------------------------------------------------------------------------------------------------


def _zsh() -> str:
    rows = "\n".join(f"        {shlex.quote(f'{name}:{row.meaning}')}" for name, row in COMMANDS.items())
    cases = "\n".join(
        f"        {name})\n            _arguments \\\n{_zsh_lines(words_of(name))}\n            ;;" for name in COMMANDS
    )
    return f"""\
#compdef arqonbus
# zsh completion of arqonbus; made by `arqonbus completion zsh`
_arqonbus() {{
    local -a commands
    commands=(
{rows}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
{cases}
    esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _arqonbus "$@"; else compdef _arqonbus arqonbus; fi
"""


def _zsh_lines(words: Iterable[Word]) -> str:
    specs = []
    for word in words:
        meaning = word.meaning.replace("[", "(").replace("]", ")").replace(":", "\\:")
        value = f":value:{_zsh_value(word)}" if word.takes_value else ""
        specs += [f"{flag}[{meaning}]{value}" for flag in word.flags]
        if not word.flags:
            specs.append(f"*:{meaning}:{_zsh_value(word)}")
    return " \\\n".join(f"                {shlex.quote(spec)}" for spec in specs)


def _zsh_value(word: Word) -> str:
    if word.choices:
        return f"({' '.join(word.choices)})"
    return "_files" if word.is_file else " "


# --- fish -----------------------------------------------------------------------------------------------------------


def _fish() -> str:
    lines = ["# fish completion of arqonbus; made by `arqonbus completion fish`", "complete -c arqonbus -f"]
    for name, row in COMMANDS.items():
        lines.append(f"complete -c arqonbus -n __fish_use_subcommand -a {name} -d {_fish_quoted(row.meaning)}")
    for name in COMMANDS:
        lines += [_fish_line(name, word) for word in words_of(name) if word.flags or word.choices or word.is_file]
    return "\n".join(lines) + "\n"


def _fish_line(name: str, word: Word) -> str:
    parts = [f"complete -c arqonbus -n '__fish_seen_subcommand_from {name}'"]
    for flag in word.flags:
        parts.append(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}")
    if word.choices:
        parts.append(f"{'-x ' if word.takes_value else ''}-a {_fish_quoted(' '.join(word.choices))}")
    elif word.is_file:
        parts.append("-r -F" if word.takes_value else "-F")
    elif word.takes_value:
        parts.append("-x")
    return " ".join([*parts, f"-d {_fish_quoted(word.meaning)}"])


def _fish_quoted(text: str) -> str:
    """Quote for fish, where a backslash within single quotes counts."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

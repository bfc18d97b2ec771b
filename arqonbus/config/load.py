"""Load the configuration: flags over environment over file over defaults, and every problem at once."""

import os
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import get_type_hints

from msgspec import Struct

from arqonbus.config.keys import Key, all_keys, show_key
from arqonbus.config.rules import RULES
from arqonbus.config.settings import Settings
from arqonbus.config.sources import (
    CONFIG_VARIABLE,
    Entry,
    Override,
    read_environment,
    read_file,
    read_overrides,
)
from arqonbus.config.toml_lines import Path
from arqonbus.config.values import check
from arqonbus.errors import ConfigError

__all__ = ["DEFAULT", "Loaded", "load"]

DEFAULT = "default"
"""Origin of a value that nobody set."""


class Loaded(Struct, frozen=True):
    """A valid configuration and where each of its values came from."""

    settings: Settings
    """What the server runs with."""
    origins: dict[str, str]
    """Dotted key -> ``default``, ``FILE:LINE``, ``environment NAME`` or the flag."""
    file: str | None
    """Path of the file that was read; None: there was none."""


def load(
    overrides: Sequence[Override] = (), environ: Mapping[str, str] | None = None, path: str | None = None
) -> Loaded:
    """Read all sources, check every value in each of them, and combine them.

    No file is looked for: without ``path`` and without ARQONBUS_CONFIG there is none.

    Args:
        overrides: values of the command line, the last one wins
        environ: the environment; None: that of the process
        path: the file; None: the one that ARQONBUS_CONFIG names

    Raises:
        ConfigError: something is wrong somewhere; lists every problem, also in values that another source overrides
    """
    environ = os.environ if environ is None else environ
    path = path or environ.get(CONFIG_VARIABLE) or None
    problems: list[str] = []
    keys = all_keys()
    entries = chain(
        read_file(path, keys, problems.append) if path else (),
        read_environment(environ, keys, problems.append),
        read_overrides(overrides, keys, problems.append),
    )

    values: dict[str, object] = {}
    origins = dict.fromkeys(keys, DEFAULT)
    wrong: set[str] = set()
    # The sources complain while they are read, so that problems come in the order of the file.
    for entry in entries:
        n_before = len(problems)
        value = _checked(entry, problems)
        if len(problems) > n_before:
            wrong.add(entry.key.name)
        else:
            values[entry.key.name] = value
            origins[entry.key.name] = entry.where()

    settings = _build(keys, values)
    problems += _broken_rules(settings, origins, wrong)
    if problems:
        raise ConfigError(problems)
    return Loaded(settings, origins, path)


def _checked(entry: Entry, problems: list[str]) -> object:
    """Return the value as its key's type; whatever is wrong with it is added to the problems."""

    def report(path: Path, words: str) -> None:
        inside = "".join(f"[{part}]" if isinstance(part, int) else f".{show_key(part)}" for part in path)
        problems.append(f"{entry.where(path)}: {entry.key.name}{inside}: {words}")

    return check(entry.key, entry.value, report)


def _build(keys: Mapping[str, Key], values: Mapping[str, object]) -> Settings:
    """Return the settings with the given values, which are checked already."""
    sections: dict[str, dict[str, object]] = {}
    for name, value in values.items():
        sections.setdefault(keys[name].section, {})[keys[name].field] = value
    structs = get_type_hints(Settings)
    return Settings(**{section: structs[section](**fields) for section, fields in sections.items()})


def _broken_rules(settings: Settings, origins: Mapping[str, str], wrong: set[str]) -> list[str]:
    """Return the rules that do not hold, each with where its keys were set."""
    broken = []
    for rule in RULES:
        words = None if wrong.intersection(rule.keys) else rule.problem(settings)
        if words is not None:
            where = ", ".join(origins[key] for key in rule.keys if origins[key] != DEFAULT) or DEFAULT
            broken.append(f"{where}: {rule.keys[0]}: {words}")
    return broken

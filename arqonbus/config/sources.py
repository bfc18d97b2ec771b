"""Where values come from: the file, the environment, the flags. Each becomes entries that know their origin.

What lives here: reading, naming origins, and refusing names that do not exist. Values are checked in ``load``.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from arqonbus.config.keys import PREFIX, Key, nearest, section_names, show, show_key
from arqonbus.config.toml_lines import Path, line_of, lines_of
from arqonbus.config.values import did_you_mean, parse

__all__ = ["CONFIG_VARIABLE", "Entry", "Override", "read_environment", "read_file", "read_overrides"]

CONFIG_VARIABLE = "ARQONBUS_CONFIG"
"""Environment variable with the path of the file."""

OTHER_VARIABLES = (CONFIG_VARIABLE, "ARQONBUS_URL", "ARQONBUS_TOKEN")
"""Documented variables that are no settings: the file, and what clients read."""

LARGEST_FILE = 1024 * 1024
"""Bytes of a configuration file that are read; more is not a configuration file."""

_PARSE_ERROR = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)

# A service named "arqonbus" makes Kubernetes set ARQONBUS_PORT=tcp://... and the like in every pod of the namespace.
_KUBERNETES = "KUBERNETES_SERVICE_HOST"
_SERVICE_LINK = re.compile(r"\w+_SERVICE_(HOST|PORT(_\w+)?)|\w+_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?")
_SERVICE_URL = re.compile(r"(tcp|udp|sctp)://")

Complain = Callable[[str], None]
"""Takes one problem, complete with where it is."""


class Override(Struct, frozen=True):
    """One value from the command line."""

    flag: str
    """As the user wrote it: ``--port`` or ``--set``."""
    key: str
    """Dotted name of the key; for ``--set`` the whole ``section.key=value``."""
    value: str | None = None
    """The text of the value; None: ``key`` holds both."""

    def __repr__(self) -> str:
        """Show no value: it may be a secret."""
        return f"Override({self.flag}, {self.key.partition('=')[0]})"


class Entry(Struct, frozen=True):
    """One value with its key and origin."""

    key: Key
    value: object
    origin: str
    """Where it came from, without a line: ``arqonbus.toml``, ``environment ARQONBUS_SERVER_PORT``, ``--port``."""
    lines: dict[Path, int]
    """Lines of the file; empty for other sources."""

    def __repr__(self) -> str:
        """Show no value: it may be a secret."""
        return f"Entry({self.key.name}, {self.where()})"

    def where(self, path: Path = ()) -> str:
        """Return origin and line of the value, or of the part that the path leads to."""
        line = line_of(self.lines, (self.key.section, self.key.field, *path))
        return self.origin if line is None else f"{self.origin}:{line}"


def read_file(path: str, keys: Mapping[str, Key], complain: Complain) -> Iterator[Entry]:
    """Yield what the file says. A file that cannot be read or is not TOML is one problem."""
    text = _text_of(path, complain)
    if text is None:
        return
    try:
        content = tomllib.loads(text)
    except RecursionError:
        complain(f"{path}: broken TOML: nested too deep")
        return
    except ValueError as error:
        complain(_parse_problem(path, text, error))
        return
    yield from _entries_of_file(path, content, lines_of(text), keys, complain)


def read_environment(environ: Mapping[str, str], keys: Mapping[str, Key], complain: Complain) -> Iterator[Entry]:
    """Yield what the environment says. Empty variables count as not set; unknown ones are problems."""
    variables = {key.variable: key for key in keys.values()}
    for name in sorted(name for name in environ if name.startswith(PREFIX) and name not in OTHER_VARIABLES):
        if _is_service_link(name, environ):
            continue
        if name not in variables:
            # Without the prefix, which would make every name look like every other.
            names = {known.removeprefix(PREFIX): known for known in (*variables, *OTHER_VARIABLES)}
            near = names.get(nearest(name.removeprefix(PREFIX), names) or "")
            complain(f"environment {show_key(name)}: unknown variable{did_you_mean(near)}")
        elif environ[name]:
            key = variables[name]
            yield Entry(key, parse(key, environ[name]), f"environment {name}", {})


def read_overrides(overrides: Sequence[Override], keys: Mapping[str, Key], complain: Complain) -> Iterator[Entry]:
    """Yield what the flags say, in their order."""
    for override in overrides:
        name, separator, value = override.key, "=", override.value
        if value is None:
            name, separator, value = override.key.partition("=")
        name = name.strip()
        if not separator:
            # Not echoed: without a "=" nobody can say which part of it is a secret.
            complain(f'{override.flag}: expected section.key=value, got no "="')
        elif name not in keys:
            section, _, field = name.partition(".")
            complain(f"{override.flag}: {_unknown(section, field, keys) if field else _unknown_top(name, keys)}")
        else:
            yield Entry(keys[name], parse(keys[name], value), override.flag, {})


def _text_of(path: str, complain: Complain) -> str | None:
    """Return the text of the file, or complain."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        complain(f"{path}: cannot read the configuration file: {words.lower()}")
        return None
    if len(data) > LARGEST_FILE:
        complain(f"{path}: expected at most {LARGEST_FILE} bytes, got more")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        complain(f"{path}:{line}: broken TOML: expected UTF-8, got the byte 0x{data[error.start]:02x}")
        return None


def _parse_problem(path: str, text: str, error: ValueError) -> str:
    """Return line, column and words of what tomllib says."""
    match = _PARSE_ERROR.fullmatch(str(error))
    if match is None:
        return f"{path}: broken TOML: {error}"
    words, line, column = match.groups()
    if line is None:
        lines = text.splitlines() or [""]
        line, column = len(lines), len(lines[-1]) + 1
    return f"{path}:{line}:{column}: broken TOML: {words[:1].lower()}{words[1:]}"


def _entries_of_file(
    path: str, content: Mapping[str, object], lines: dict[Path, int], keys: Mapping[str, Key], complain: Complain
) -> Iterator[Entry]:
    def at(*parts: str) -> str:
        line = line_of(lines, parts)
        return path if line is None else f"{path}:{line}"

    for section, table in content.items():
        if section not in section_names():
            words = _unknown_section(section, keys) if isinstance(table, dict) else _unknown_top(section, keys)
            complain(f"{at(section)}: {words}")
        elif not isinstance(table, dict):
            complain(f"{at(section)}: {section}: expected a table, got {show(table, is_secret=True)}")
        else:
            for field, value in table.items():
                key = keys.get(f"{section}.{field}")
                if key is None:
                    complain(f"{at(section, field)}: {_unknown(section, field, keys)}")
                else:
                    yield Entry(key, value, path, lines)


def _unknown_section(section: str, keys: Mapping[str, Key]) -> str:
    near = nearest(section, section_names())
    return f"unknown section [{show_key(section)}]{did_you_mean(near and f'[{near}]')}"


def _unknown_top(name: str, keys: Mapping[str, Key]) -> str:
    """Word a key outside of any section."""
    return f"unknown key {show_key(name)}, expected section.key{did_you_mean(_like(None, name, keys))}"


def _unknown(section: str, field: str, keys: Mapping[str, Key]) -> str:
    """Word a key that its section does not have, or whose section does not exist."""
    near_section = section if section in section_names() else nearest(section, section_names())
    return f"unknown key {show_key(section, field)}{did_you_mean(_like(near_section, field, keys))}"


def _like(section: str | None, field: str, keys: Mapping[str, Key]) -> str | None:
    """Return the key that was probably meant: of that name, in this section or another, else of a name like it."""
    field = field.partition(".")[0]
    own = [key.field for key in keys.values() if key.section == section]
    if field in own:
        return f"{section}.{field}"
    homes = {key.field: key.name for key in keys.values()}
    near = None if field in homes else nearest(field, own)
    return f"{section}.{near}" if near else homes.get(field) or homes.get(nearest(field, homes) or "")


def _is_service_link(name: str, environ: Mapping[str, str]) -> bool:
    """Say whether Kubernetes set the variable for a service whose name begins with "arqonbus"."""
    if _KUBERNETES not in environ:
        return False
    is_url = name.endswith("_PORT") and _SERVICE_URL.match(environ[name]) is not None
    return is_url or _SERVICE_LINK.fullmatch(name) is not None

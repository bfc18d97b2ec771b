"""What keys there are: read from the settings structs, for checking, suggesting and documenting.

What lives here: names, types in words, how values are shown. No values are read or checked here.
"""

import difflib
import json
import re
import types
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from arqonbus.config.settings import MASK, Predefined, Settings

__all__ = ["PREFIX", "Key", "all_keys", "fields_of", "nearest", "section_names", "show", "show_key"]

PREFIX = "ARQONBUS_"
"""What the name of every environment variable of ours begins with."""

LONGEST_SHOWN = 60
"""Characters of a wrong value that an error repeats."""

_PLAIN_KEY = re.compile("[A-Za-z0-9_-]{1,60}")

Kind = Literal["text", "choice", "whole", "number", "switch", "texts", "table", "channels"]


class Key(Struct, frozen=True):
    """One key of the configuration, as the structs define it."""

    section: str
    """Section name; empty for the fields of a nested table."""
    field: str
    """Name within the section."""
    type: Any
    """The annotated type, for ``msgspec.convert``."""
    kind: Kind
    """How text is read as a value."""
    expects: str
    """The type and range in words, to follow "expected"."""
    meaning: str
    """What it does, with its unit."""
    default: object
    """The default, or ``msgspec.NODEFAULT`` when the key must be given."""
    is_secret: bool
    """Whether values are masked wherever they would be shown."""

    @property
    def name(self) -> str:
        """``section.field``, or the field alone in a nested table."""
        return f"{self.section}.{self.field}" if self.section else self.field

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return f"{PREFIX}{self.section}_{self.field}".upper()


def section_names() -> tuple[str, ...]:
    """Return the names of the sections in the order of the documentation."""
    return Settings.__struct_fields__


def all_keys() -> dict[str, Key]:
    """Return every key by its dotted name, in the order of the documentation."""
    sections = get_type_hints(Settings)
    keys = [key for section in section_names() for key in fields_of(sections[section], section).values()]
    return {key.name: key for key in keys}


def fields_of(struct: type[Struct], section: str = "") -> dict[str, Key]:
    """Return the keys of one section or nested table by field name."""
    hints = get_type_hints(struct, include_extras=True)
    keys = {}
    for field in msgspec.structs.fields(struct):
        base, meta = _unwrap(hints[field.name])
        made = field.default_factory is not msgspec.NODEFAULT
        keys[field.name] = Key(
            section=section,
            field=field.name,
            type=hints[field.name],
            kind=_kind(base),
            expects=_expects(base, meta),
            meaning=meta.description or "",
            default=field.default_factory() if made else field.default,
            is_secret=bool((meta.extra or {}).get("secret")),
        )
    return keys


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like the given one, or None when none is like it."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return close[0] if close else None


def show(value: object, is_secret: bool = False) -> str:
    """Return a value for an error message: on one line, bounded, masked when secret."""
    if is_secret:
        return f"{_kind_of_value(value)} ({MASK})"
    if isinstance(value, (str, bool, int, float)):
        # Not repr: users write TOML and JSON. ASCII: it may hold anything and is written to terminals and logs.
        huge = isinstance(value, int) and value.bit_length() > 128
        text = _kind_of_value(value) if huge else json.dumps(value)
        return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
    return _kind_of_value(value)


def show_key(*parts: str) -> str:
    """Return a dotted name; parts that are not plain words are quoted, as TOML writes them."""
    return ".".join(part if _PLAIN_KEY.fullmatch(part) else json.dumps(part[:LONGEST_SHOWN]) for part in parts)


def _unwrap(hint: Any) -> tuple[Any, Meta]:
    """Return the bare type, without None, and its description."""
    metas = []
    while True:
        if get_origin(hint) is Annotated:
            hint, *found = get_args(hint)
            metas += found
        elif get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint):
            (hint,) = (part for part in get_args(hint) if part is not type(None))
        else:
            return hint, metas[0] if metas else Meta()


def _kind(base: Any) -> Kind:
    if get_origin(base) is Literal:
        return "choice"
    if base == tuple[Predefined, ...]:
        return "channels"
    kinds: dict[Any, Kind] = {bool: "switch", int: "whole", float: "number", str: "text"}
    kinds |= {tuple[str, ...]: "texts", dict[str, str]: "table"}
    return kinds[base]


def _expects(base: Any, meta: Meta) -> str:
    if get_origin(base) is Literal:
        return "one of " + ", ".join(json.dumps(choice) for choice in get_args(base))
    words = {
        "text": "text",
        "whole": "a whole number",
        "number": "a number",
        "switch": "true or false",
        "texts": "a list of texts",
        "table": "a table of texts",
        "channels": 'a list of "room:channel" texts or tables',
    }[_kind(base)]
    if meta.ge is not None:
        return f"{words} from {meta.ge:.0f} to {meta.le:.0f}"
    return f"{words} above {meta.gt:.0f}, at most {meta.le:.0f}" if meta.gt is not None else words


def _kind_of_value(value: object) -> str:
    kinds = {
        str: "a text",
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return kinds.get(type(value), f"a {type(value).__name__}")

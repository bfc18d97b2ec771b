"""Check one value against its key, whatever its source: right type and range, or every reason why not.

What lives here: text to value, value to the type of its key, and the checks inside lists and tables. Rules between
keys are in ``rules``.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from arqonbus.config.keys import Key, fields_of, nearest, show, show_key
from arqonbus.config.settings import Predefined
from arqonbus.config.toml_lines import Path

__all__ = ["NAME", "Report", "check", "did_you_mean", "parse"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A room or channel name of users, as in ``arqonbus.protocol.names``, which config may not import; a test compares."""

_WHOLE = re.compile(r"[+-]?[0-9](_?[0-9])*")
_SWITCH = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "on": True, "off": False}
_TOKEN = re.compile(r"[!-~]{1,4096}")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:(?![A-Z/?#@])[!-~])+")  # browsers send it in lower case

Report = Callable[[Path, str], None]
"""Takes what is wrong: the way from the value to the wrong part (empty: the value itself), and the words."""


def parse(key: Key, text: str) -> object:
    """Read text of an environment variable or a flag as a value of the key's kind.

    Text that is no such value is returned as it is: ``check`` will say what was expected.
    """
    bare = text.strip()
    if key.kind == "switch":
        return _SWITCH.get(bare.lower(), text)
    if key.kind == "whole":
        return int(bare) if _WHOLE.fullmatch(bare) and len(bare) <= 40 else text
    if key.kind == "number":
        return _number(bare, text)
    if key.kind in ("texts", "channels") and not bare.startswith("["):
        return [item.strip() for item in bare.split(",") if item.strip()]
    if key.kind in ("texts", "channels", "table"):
        return _json(bare or "{}", text)
    return text


def check(key: Key, value: object, report: Report) -> object:
    """Return the value as the key's type, or report every problem in it (then the result means nothing)."""
    if key.kind == "texts" and isinstance(value, list):
        return tuple(_origins(value, report) if key.name == "server.origins" else _names_of_users(value, report))
    if key.kind == "table" and isinstance(value, dict):
        return dict(_users(value, report))
    if key.kind == "channels" and isinstance(value, list):
        return tuple(_channels(value, report))
    converted = _convert(key, value)
    if converted is msgspec.UNSET:
        report((), f"expected {key.expects}, got {show(value, key.is_secret)}")
    return converted


def _number(bare: str, text: str) -> float | str:
    try:
        return float(bare)
    except ValueError:
        return text


def _json(bare: str, text: str) -> object:
    try:
        return json.loads(bare)
    except (ValueError, RecursionError):
        return text


def _convert(key: Key, value: object) -> Any:
    """Return the value as the key's type, or UNSET."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return msgspec.UNSET
    try:
        return msgspec.convert(value, key.type)
    except (msgspec.ValidationError, OverflowError):
        return msgspec.UNSET


def _origins(items: list[Any], report: Report) -> Iterator[str]:
    """Yield the right ones of ``server.origins``."""
    for position, item in enumerate(items):
        if isinstance(item, str) and (item == "*" or _ORIGIN.fullmatch(item)):
            yield item
        else:
            report(
                (position,),
                f'expected "*" or an origin as "https://example.com" (lower case, no path), got {show(item)}',
            )


def _names_of_users(items: list[Any], report: Report) -> Iterator[str]:
    """Yield the right ones of ``auth.admins``; whether there are such users is a rule."""
    for position, item in enumerate(items):
        if isinstance(item, str):
            yield item
        else:
            report((position,), f"expected the name of a user, got {show(item)}")


def _users(table: Mapping[str, Any], report: Report) -> Iterator[tuple[str, str]]:
    """Yield the right entries of ``auth.keys``. Messages name users, never keys."""
    owners: dict[str, str] = {}
    for user, token in table.items():
        if not user or not user.isprintable() or len(user) > 128:
            report((user,), "expected a user name of 1 to 128 printable characters")
        elif not isinstance(token, str):
            report((user,), f"expected the user's key as text, got {show(token, is_secret=True)}")
        elif not _TOKEN.fullmatch(token):
            report((user,), "expected a key of 1 to 4096 visible ASCII characters, without spaces")
        elif token in owners:
            report((user,), f"the same key as {show_key(owners[token])}; every user needs a key of their own")
        else:
            owners[token] = user
            yield user, token


def _channels(items: list[Any], report: Report) -> Iterator[Predefined]:
    """Yield the right entries of ``channels.predefined``."""
    seen: set[tuple[str, str]] = set()
    for position, item in enumerate(items):
        channel = _channel(item, _report_at(report, position))
        if channel is None:
            continue
        if (channel.room, channel.channel) in seen:
            report((position,), f"{channel.room}:{channel.channel} is listed twice")
        seen.add((channel.room, channel.channel))
        yield channel


def _channel(item: object, report: Report) -> Predefined | None:
    """Return one predefined channel, or None when something in it was reported."""
    if isinstance(item, str) and item.count(":") == 1:
        room, channel = item.split(":")
        item = {"room": room, "channel": channel}
    if not isinstance(item, dict):
        report((), f'expected "room:channel" or a table with room and channel, got {show(item)}')
        return None
    problems: list[tuple[Path, str]] = []
    values = dict(_channel_fields(item, lambda path, words: problems.append((path, words))))
    for path, words in problems:
        report(path, words)
    return None if problems else Predefined(**values)


def _channel_fields(item: Mapping[str, Any], report: Report) -> Iterator[tuple[str, Any]]:
    """Yield the right fields of one predefined channel."""
    keys = fields_of(Predefined)
    for field in [name for name in item if name not in keys]:
        report((field,), f"unknown key{did_you_mean(nearest(field, keys))}")
    for field, key in keys.items():
        if field not in item:
            if key.default is msgspec.NODEFAULT:
                report((), f"expected a table with room and channel, got one without {field}")
            continue
        value = item[field]
        if field in ("room", "channel") and not (isinstance(value, str) and NAME.fullmatch(value)):
            words = "expected a name: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit"
            report((field,), f"{words}, got {show(value)}")
            continue
        yield field, check(key, value, _report_at(report, field))


def _report_at(report: Report, part: str | int) -> Report:
    """Return a report for what is inside one part of a value."""
    return lambda path, words: report((part, *path), words)


def did_you_mean(name: str | None) -> str:
    """Return the end of an error message that suggests a name, or nothing."""
    return f"; did you mean {name}?" if name else ""

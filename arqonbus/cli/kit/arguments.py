"""Arguments that several commands take: addresses, counts, rates, headers. For argparse: each raises its error."""

from argparse import ArgumentTypeError
from typing import Final

from arqonbus.protocol.names import ALL_CHANNELS, split_address

__all__ = ["channel", "channel_or_room", "count", "header", "place", "rate"]

_ADDRESS: Final = "expected room:channel, as science:explore"


def channel(text: str) -> str:
    """Read the address of one channel, `room:channel`."""
    room, name = _split(text, _ADDRESS)
    if name is None or name == ALL_CHANNELS:
        raise ArgumentTypeError(f"{_ADDRESS}, got {text!r}")
    return f"{room}:{name}"


def channel_or_room(text: str) -> str:
    """Read the address of a channel, or of a whole room: `room:*`, or the room alone."""
    room, name = _split(text, f"{_ADDRESS}, or science:* for a whole room")
    return f"{room}:{ALL_CHANNELS if name is None else name}"


def place(text: str) -> str:
    """Read a room or the address of a channel; `room:*` is the room."""
    room, name = _split(text, "expected a room, or room:channel")
    return room if name in (None, ALL_CHANNELS) else f"{room}:{name}"


def count(text: str) -> int:
    """Read a whole number, 1 or more."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 10**12:
        raise ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def rate(text: str) -> float:
    """Read how many a second: `100`, `0.5`, `100/s`, `6/m`."""
    number, _, unit = text.partition("/")
    try:
        value = float(number) / {"": 1, "s": 1, "m": 60, "h": 3600}[unit]
    except (ValueError, KeyError):
        value = 0.0
    if not 0 < value <= 1e6:
        raise ArgumentTypeError(f"expected a rate, as 100/s or 6/m, got {text!r}")
    return value


def header(text: str) -> tuple[str, str]:
    """Read a header, `name=value`."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ArgumentTypeError(f"expected name=value, got {text!r}")
    return name, value


def _split(text: str, expected: str) -> tuple[str, str | None]:
    try:
        return split_address(text, None)
    except ValueError:
        raise ArgumentTypeError(f"{expected}, got {text!r}") from None

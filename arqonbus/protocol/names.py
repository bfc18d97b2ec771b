"""Names of rooms and channels: their grammar, and the address that a room and a channel make.

Every name that reaches an actor has passed through here, so none holds a control character, a colon or a slash.
"""

import re
from functools import lru_cache
from typing import Final

__all__ = [
    "ADDRESS_PATTERN",
    "ALL_CHANNELS",
    "NAME_PATTERN",
    "ROOM_OR_ALL_PATTERN",
    "ROOM_PATTERN",
    "SEPARATOR",
    "is_name",
    "is_system",
    "join_address",
    "split_address",
]

ALL_CHANNELS: Final = "*"
"""As a channel: every channel of the room."""

SEPARATOR: Final = ":"
"""Between room and channel of an address that is written as one text."""

_NAME: Final = "[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"

# `$` is not used for the end: in Python it also matches before a final newline, in JavaScript it does not.
_END: Final = r"(?![\s\S])"

NAME_PATTERN: Final = f"^{_NAME}{_END}"
"""A user's or the system's name, 1 to 64 characters; reads alike in Python, JavaScript and JSON Schema."""

ROOM_PATTERN: Final = f"^{_NAME}(?:{SEPARATOR}{_NAME})?{_END}"
"""What a field `room` may hold: a room, or an address `room:channel`."""

ROOM_OR_ALL_PATTERN: Final = rf"^{_NAME}(?:{SEPARATOR}(?:{_NAME}|\*))?{_END}"
"""The same where the channel of the address may be `*`."""

ADDRESS_PATTERN: Final = f"^{_NAME}{SEPARATOR}{_NAME}{_END}"
"""A whole address `room:channel`."""

_SHOWN: Final = 80  # characters of a wrong name that an error repeats; longer than any right one

_match = re.compile(_NAME).fullmatch


def is_name(text: str) -> bool:
    """Tell whether this is a name of a room or channel, a user's or the system's."""
    return _match(text) is not None


def is_system(name: str) -> bool:
    """Tell whether the name is the server's own: it begins with `_`."""
    return name.startswith("_")


# A hit costs a fifth of the two matches it saves. Errors are not cached, so what a client can fill this with
# is bounded by 4,096 addresses of at most 129 characters.
@lru_cache(maxsize=4096)
def split_address(room: str | None, channel: str | None) -> tuple[str, str | None]:
    """Read an address as clients write it: in two fields, or as `room:channel` in the field room alone.

    Args:
        room: the field `room`
        channel: the field `channel`; `*` is let through, the caller knows whether it may stand here

    Returns:
        the room and the channel; the channel is None when the address names a room only

    Raises:
        ValueError: no room, a wrong name, or a channel in both fields; the text is made for clients
    """
    if room is None:
        raise ValueError("expected a room, got none - at `$.room`")
    if channel is None and SEPARATOR in room:
        return _split_text(room)
    if not is_name(room):
        raise ValueError(_wrong_name("room", room))
    if channel is not None and channel != ALL_CHANNELS and not is_name(channel):
        raise ValueError(_wrong_name("channel", channel))
    return room, channel


def join_address(room: str, channel: str) -> str:
    """Write room and channel as one text, `room:channel`."""
    return f"{room}{SEPARATOR}{channel}"


def _split_text(text: str) -> tuple[str, str]:
    room, _, channel = text.partition(SEPARATOR)
    if not is_name(room) or (channel != ALL_CHANNELS and not is_name(channel)):
        raise ValueError(_wrong_name("room", text))
    return room, channel


def _wrong_name(field: str, got: str) -> str:
    shown = got if len(got) <= _SHOWN else got[:_SHOWN] + "..."
    expected = "expected 1 to 64 of A-Z a-z 0-9 . _ - with a letter, digit or _ first"
    return f"{expected}, got {ascii(shown)} - at `$.{field}`"

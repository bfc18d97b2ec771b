"""How a payload becomes what the reader asked for with `type=`. Pure.

A type is anything that msgspec reads (Struct, dataclass, TypedDict, NamedTuple, builtins and their generics), a class
with `model_validate_json` (pydantic), any other class that is made from a JSON value, or a function of one.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from arqonbus.client.errors import DecodeError

__all__ = ["Decoder", "decoder_for"]

T = TypeVar("T")

Decoder = Callable[[Raw], T]
"""Reads a payload. Raises DecodeError."""


def decoder_for(wanted: Any) -> Decoder[Any]:
    """Make the decoder for what a caller gave as `type`.

    Any in and out: the public functions tie the type that they are given to the type of what they give.

    Args:
        wanted: a type or a function; None: plain JSON values
    """
    read = _reader(wanted)

    def decode(raw: Raw) -> Any:
        try:
            return read(raw)
        except Exception as error:
            name = getattr(wanted, "__name__", str(wanted))
            raise DecodeError(f"expected a payload of {name}: {error}") from error

    return decode


def _reader(wanted: Any) -> Callable[[Raw], Any]:
    if wanted is None:
        return msgspec.json.decode
    if wanted is Raw:
        return lambda raw: raw
    validate = getattr(wanted, "model_validate_json", None)
    if callable(validate):
        return lambda raw: validate(bytes(raw))
    if isinstance(wanted, type) or hasattr(wanted, "__origin__") or not callable(wanted):
        return msgspec.json.Decoder(wanted, dec_hook=_made).decode
    return lambda raw: wanted(msgspec.json.decode(raw))


def _made(kind: type, value: object) -> object:
    """Make an object of a class that msgspec does not know from the JSON value."""
    return kind(value)

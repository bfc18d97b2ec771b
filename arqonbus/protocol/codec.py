"""Bytes to envelopes and back; what cannot be read becomes a Refusal that says where and why.

The way in for every text message: UTF-8, JSON, the shape of the type, then what a shape cannot say (names, address,
version). The good path does nothing twice; the reasons are looked for only after something went wrong.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NoReturn, TypeVar, get_args

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from arqonbus.errors import InvalidArgs, InvalidEnvelope, InvalidJson, Refusal, UnknownType, UnsupportedVersion
from arqonbus.protocol.envelope import Broadcast, Command, Envelope, Event, Private
from arqonbus.protocol.names import ALL_CHANNELS, split_address

__all__ = ["MIN_NESTING", "NotUtf8", "decode", "decode_args", "encode"]

MIN_NESTING: Final = 500
"""Levels of nesting in a payload that are always read. Deeper text may be refused: the true bound is the recursion
limit of the interpreter less the calls on the stack. Measured on CPython 3.11: 996 levels from the top of a program,
895 from 100 calls below it."""

_MAX_MESSAGE: Final = 300  # characters of an error message; the parser repeats field names of any length
_MAX_ID: Final = 64  # as envelope.Id
_TYPES: Final = ("event", "private", "broadcast", "command")

_is_version_1 = re.compile(r"1(?:\.[0-9]{1,6})?").fullmatch

_Args = TypeVar("_Args", bound=Struct)

encode: Final[Callable[[Struct], bytes]] = msgspec.json.Encoder().encode
"""Write an outbound struct as JSON text. Raw fields are copied as they are."""

_decode: Final[Callable[[bytes], Envelope]] = msgspec.json.Decoder(Envelope).decode


class NotUtf8(Exception):
    """The text of a message is not UTF-8. The connection closes with 1007; there is nothing to answer."""


class _Glance(Struct, frozen=True, gc=False):
    """What a refusal wants to know of an envelope that could not be read."""

    id: Raw | UnsetType = UNSET
    type: Raw | UnsetType = UNSET
    version: Raw | UnsetType = UNSET


def decode(text: bytes) -> Envelope:
    """Read one message of a client.

    Args:
        text: a whole text message. Payload and metadata of the result are views of these bytes, which therefore live
            as long as the envelope and must not change

    Returns:
        an envelope whose names and address are checked, see the classes

    Raises:
        NotUtf8: the bytes are no UTF-8 text
        Refusal: InvalidJson, InvalidEnvelope, UnknownType or UnsupportedVersion, with the request id if it is legible
    """
    if not text.isascii():
        _check_utf8(text)
    try:
        envelope = _decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _refusal(text, error) from error
    if envelope.version is not None and not _is_version_1(envelope.version):
        raise _wrong_version(envelope.version, envelope.id)
    if envelope.metadata is not UNSET:
        envelope = _with_headers(envelope)
    if isinstance(envelope, Event):
        try:
            address = split_address(envelope.room, envelope.channel)
        except ValueError as error:
            raise InvalidEnvelope(str(error), request_id=envelope.id) from error
        channel = envelope.channel
        return envelope if channel is not None and channel != ALL_CHANNELS else _with_address(envelope, *address)
    return _checked(envelope)


def decode_args(raw: Raw, kind: type[_Args], request_id: str | None = None) -> _Args:
    """Read the args of a command.

    Args:
        raw: the field args of the command, null for none
        kind: a struct of payloads
        request_id: the id of the command, for the refusal

    Raises:
        InvalidArgs: they do not fit; the path in the message begins with `$.args`
    """
    text = bytes(raw)
    read: Callable[[bytes], _Args] = _args_decoder(kind)
    try:
        return read(b"{}" if text == b"null" else text)
    except msgspec.MsgspecError as error:
        raise InvalidArgs(_explain(error, "$.args", kind), request_id=request_id) from error
    except RecursionError as error:
        raise InvalidArgs("expected less nesting - at `$.args`", request_id=request_id) from error


# One decoder for each command; there are about twenty.
@lru_cache(maxsize=64)
def _args_decoder(kind: type[_Args]) -> Callable[[bytes], _Args]:
    return msgspec.json.Decoder(kind).decode


def _check_utf8(text: bytes) -> None:
    # The parser checks the fields that it builds, not the payload that it skips.
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise NotUtf8(f"byte {error.start} of {len(text)} is no UTF-8") from error


def _with_address(event: Event, room: str, channel: str | None) -> Event:
    if channel is None:
        _refuse(event, "expected a channel, got none - at `$.channel`")
    if channel == ALL_CHANNELS:
        _refuse(event, "expected one channel, got '*'; a broadcast reaches all of a room - at `$.channel`")
    return msgspec.structs.replace(event, room=room, channel=channel)


def _checked(envelope: Private | Broadcast | Command) -> Envelope:
    if isinstance(envelope, Private):
        recipients = list(dict.fromkeys(envelope.to))
        return envelope if len(recipients) == len(envelope.to) else msgspec.structs.replace(envelope, to=recipients)
    if isinstance(envelope, Broadcast):
        _check_room(envelope)
    return envelope


def _check_room(broadcast: Broadcast) -> None:
    try:
        _, channel = split_address(broadcast.room, None)
    except ValueError as error:
        raise InvalidEnvelope(str(error), request_id=broadcast.id) from error
    if channel is not None:
        _refuse(broadcast, "expected a room alone, got a room and a channel - at `$.room`")


def _with_headers(envelope: Envelope) -> Envelope:
    text = bytes(envelope.metadata) if isinstance(envelope.metadata, Raw) else b"null"
    if text == b"null":
        return msgspec.structs.replace(envelope, metadata=UNSET)
    if not text.startswith(b"{"):
        _refuse(envelope, "expected `object | null` - at `$.metadata`")
    return envelope


def _refuse(envelope: Envelope, message: str) -> NoReturn:
    raise InvalidEnvelope(message, request_id=envelope.id)


def _wrong_version(got: str, request_id: str | None) -> UnsupportedVersion:
    return UnsupportedVersion(f"expected 1.x, got {_shown(got)} - at `$.version`", request_id=request_id)


def _refusal(text: bytes, error: Exception) -> Refusal:
    """Find the refusal that tells most: another version explains an unknown type, which explains unknown fields."""
    broken = _broken_json(error) or _syntax_error(text)
    if broken is not None:
        return broken
    try:
        glance = msgspec.json.decode(text, type=_Glance)
    except msgspec.ValidationError:  # JSON, but no object
        return InvalidEnvelope(_explain(error, "$"))
    request_id = _legible_id(glance.id)
    version = _text(glance.version)
    if version is not None and not _is_version_1(version):
        return _wrong_version(version, request_id)
    return _wrong_type(glance.type, request_id) or InvalidEnvelope(_explain(error, "$"), request_id=request_id)


def _broken_json(error: Exception) -> InvalidJson | None:
    if isinstance(error, RecursionError):
        return InvalidJson("JSON is nested too deeply")
    if isinstance(error, msgspec.ValidationError):
        return None
    what = str(error).removeprefix("JSON is malformed: ")
    return InvalidJson(f"JSON is malformed: {_lower(what)}")


def _syntax_error(text: bytes) -> InvalidJson | None:
    # The parser stops at the first fault of either kind, so a wrong field may have hidden that the rest is no JSON.
    try:
        msgspec.json.decode(text, type=Raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        return _broken_json(error)
    return None


def _wrong_type(raw: Raw | UnsetType, request_id: str | None) -> UnknownType | None:
    kind = _text(raw)
    if kind in _TYPES:
        return None
    expected = f"expected one of {', '.join(_TYPES)}"
    got = "none" if raw is UNSET else "no text" if kind is None else _shown(kind)
    return UnknownType(f"{expected}, got {got} - at `$.type`", request_id=request_id)


def _legible_id(raw: Raw | UnsetType) -> str | None:
    text = _text(raw)
    return text if text and len(text) <= _MAX_ID else None


def _text(raw: Raw | UnsetType) -> str | None:
    try:
        return None if raw is UNSET else msgspec.json.decode(raw, type=str)
    except msgspec.MsgspecError:
        return None


def _explain(error: Exception, root: str, kind: type[Struct] | None = None) -> str:
    """Put the parser's words into ours: lower case, with the words allowed, and with the place, from `root` on."""
    what, path = _parted(str(error))
    if what.startswith("Expected `null`, got") and path:
        what = "expected nothing: the field has no meaning here"
    if what.startswith("Invalid enum value ") and kind is not None:
        what = f"expected one of {_words(kind, path)}, got {what.removeprefix('Invalid enum value ')}"
    return f"{_cut(_lower(what))} - at `{root}{path}`"


def _parted(text: str) -> tuple[str, str]:
    # No regular expression: a client chooses how long the name of an unknown field is.
    what, mark, path = text.rpartition(" - at `$")
    return (what, path.removesuffix("`")) if mark else (text, "")


def _words(kind: type[Struct], path: str) -> str:
    fields = {f".{field.encode_name}": field.type for field in msgspec.structs.fields(kind)}
    return ", ".join(word for option in get_args(fields.get(path)) for word in get_args(option))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_MESSAGE else text[:_MAX_MESSAGE] + "..."


def _shown(text: str) -> str:
    return ascii(text if len(text) <= _MAX_ID else text[:_MAX_ID] + "...")

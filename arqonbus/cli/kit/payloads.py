"""Payloads: from the text of an argument or of stdin to JSON, and from JSON to a line."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from msgspec import Raw

from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure

__all__ = ["line_of", "payload_of", "read_all", "read_lines"]

_CHUNK: Final = 64 * 1024
_CHUNKS_AHEAD: Final = 16
"""Chunks of stdin that are read before somebody has taken them: 1 MiB."""

MAX_PAYLOAD: Final = 64 * 1024 * 1024
"""Bytes of one message that are read from stdin; no server takes as much."""


def payload_of(text: str | bytes, *, as_text: bool = False) -> Raw:
    """Make a payload of what somebody wrote: JSON as it is, anything else as a text.

    Args:
        text: without the end of its line
        as_text: True: a text even if it is JSON

    Raises:
        Failure: it begins as JSON does and is none; probably a typing error
    """
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    if not as_text:
        try:
            msgspec.json.decode(data)
            return Raw(data)
        except msgspec.DecodeError as error:
            if data.lstrip()[:1] in (b"{", b"[", b'"'):
                message = f"the payload begins as JSON and is none: {error}"
                raise Failure(Exit.USAGE, message, hint="--text sends it as it is, as a text", code="usage") from error
    try:
        return Raw(msgspec.json.encode(data.decode("utf-8")))
    except UnicodeDecodeError as error:
        raise Failure(Exit.USAGE, "the payload is not UTF-8", code="usage") from error


def line_of(payload: Raw, *, raw: bool = False) -> str:
    """Write a payload in one line.

    Args:
        payload: JSON text
        raw: True: a text without its quotes, line breaks and all
    """
    data = bytes(payload)
    if raw and data[:1] == b'"':
        return str(msgspec.json.decode(data))
    if b"\n" in data or b"\r" in data:
        data = msgspec.json.format(data, indent=-1)
    return data.decode()


async def read_all() -> bytes:
    """Read stdin to its end, without the line break there. Raises Failure: it is too long."""
    parts, size = [], 0
    async for chunk in _chunks():
        parts.append(chunk)
        size += len(chunk)
        _check(size)
    text = b"".join(parts)
    return text.removesuffix(b"\n").removesuffix(b"\r")


async def read_lines() -> AsyncIterator[bytes]:
    """Read the lines of stdin, each as soon as it is there; empty ones are passed over."""
    rest = b""
    async for chunk in _chunks():
        *lines, rest = (rest + chunk).split(b"\n")
        _check(len(rest))
        for line in lines:
            if line.strip():
                yield line.removesuffix(b"\r")
    if rest.strip():
        yield rest


def _check(size: int) -> None:
    if size > MAX_PAYLOAD:
        raise Failure(Exit.USAGE, f"more than {MAX_PAYLOAD} bytes for one message", code="usage")


async def _chunks() -> AsyncIterator[bytes]:
    # A thread, since a file cannot be polled; os.read in it, since a buffered reader that waits holds a lock which
    # the interpreter wants at its end; a daemon, since nothing wakes a read from a terminal.
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    room = threading.Semaphore(_CHUNKS_AHEAD)
    number = sys.stdin.fileno()

    def read() -> None:
        chunk = b"-"
        while chunk:
            room.acquire()
            try:
                chunk = os.read(number, _CHUNK)
            except OSError:
                chunk = b""
            try:
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            except RuntimeError:
                return  # the loop is closed: nobody wants more

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while chunk := await chunks.get():
        room.release()
        yield chunk

"""The flags of every command that talks to a server, and the bus that they lead to."""

from __future__ import annotations

import argparse
import math
import os
import sys
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Final, TextIO
from urllib.parse import urlsplit

from arqonbus.cli.kit.exits import TALKING, Exit
from arqonbus.cli.kit.failures import Failure
from arqonbus.cli.kit.parser import Parser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Unpack

    from arqonbus.client import Bus, ConnectOptions, StateChange

__all__ = ["DEFAULT_TIMEOUT_S", "DEFAULT_URL", "add_connection", "connected", "seconds", "token_of", "url_of"]

DEFAULT_URL: Final = "ws://127.0.0.1:9100/"
DEFAULT_TIMEOUT_S: Final = 10.0


def add_connection(parser: Parser, *, timeout: str = "for the connection, and for each answer (default: 10)") -> None:
    """Add the flags, and the exit codes of a command that talks to a server.

    Args:
        parser: of the command
        timeout: help of `--timeout`; `options.timeout` is None unless it was given
    """
    parser.exits = tuple(sorted({*parser.exits, *TALKING}))
    group = parser.add_argument_group("connection")
    group.add_argument("-u", "--url", metavar="URL", help=f"the server (env: ARQONBUS_URL; default: {DEFAULT_URL})")
    group.add_argument("--token-file", metavar="FILE", help="read the token from a file; -: from standard input")
    group.add_argument(
        "--token",
        metavar="TOKEN",
        help="the token itself; others on this machine can read the arguments of a program, "
        "so prefer --token-file (env: ARQONBUS_TOKEN)",
    )
    group.add_argument("--timeout", metavar="SECONDS", type=seconds, help=timeout)
    group.add_argument("--wait", action="store_true", help="go on trying while there is no server, until the timeout")
    group.add_argument("--json", action="store_true", help="write JSON, one object a line, with its type")


def seconds(text: str) -> float:
    """Read a number of seconds, above zero. For argparse: raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1e9:
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text!r}")
    return value


def url_of(options: argparse.Namespace) -> str:
    """Give the address of the server. Raises Failure: it is none."""
    url: str = options.url or os.environ.get("ARQONBUS_URL") or DEFAULT_URL
    if "://" not in url:
        url = f"ws://{url}"
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise Failure(Exit.USAGE, f"no address of a server: {url}: {str(error).lower()}", code="usage") from error
    if parts.scheme not in ("ws", "wss"):
        raise Failure(Exit.USAGE, f"expected ws:// or wss://, got {parts.scheme}://", code="usage")
    if not is_whole:
        raise Failure(Exit.USAGE, f"expected ws://host:port/, got {url}", code="usage")
    return url


def token_of(options: argparse.Namespace) -> str | None:
    """Give the token, or None. Raises Failure: the file cannot be read, or is empty."""
    if options.token is not None and options.token_file is not None:
        raise Failure(Exit.USAGE, "--token and --token-file: expected one of them, got both", code="usage")
    if options.token_file is None:
        return options.token or os.environ.get("ARQONBUS_TOKEN") or None
    try:
        with _opened(options.token_file) as file:
            text = file.readline(64 * 1024)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise Failure(Exit.USAGE, f"cannot read {options.token_file}: {why.lower()}", code="usage") from error
    if not text.strip():
        raise Failure(Exit.USAGE, f"no token in {options.token_file}", code="usage")
    return text.strip()


def _opened(path: str) -> AbstractContextManager[TextIO]:
    return nullcontext(sys.stdin) if path == "-" else open(path, encoding="utf-8")


@asynccontextmanager
async def connected(
    options: argparse.Namespace, *, limit_s: float | None = None, **more: Unpack[ConnectOptions]
) -> AsyncIterator[Bus]:
    """Connect as the flags say, and close at the end.

    The first dial that fails is the end, unless `--wait` was given; a bus that stood once comes back by itself.

    Args:
        options: of the command line
        limit_s: for the first session and each answer; None: `--timeout`, else 10
        **more: for the bus

    Raises:
        Failure: the flags are wrong
        ClientError: no session
    """
    from arqonbus.client import connect

    limit_s = limit_s or options.timeout or DEFAULT_TIMEOUT_S
    first = _FirstDial(more.get("on_state"))
    settings: ConnectOptions = {
        "profile": {"client_type": "arqonbus-cli"},
        "open_timeout_s": limit_s,
        "timeout_s": limit_s,
        **more,
        "token": token_of(options),
        "on_state": first.changed,
    }
    bus = connect(url_of(options), **settings)
    await first.open(bus, wait=options.wait)
    async with bus:
        yield bus


class _FirstDial:
    """Opens a bus, and sees its first dial fail."""

    def __init__(self, also: Callable[[StateChange], None] | None) -> None:
        import asyncio

        self._also = also
        self._failed = asyncio.Event()

    def changed(self, change: StateChange) -> None:
        """Note that a dial failed before there was a session."""
        if change.before == "connecting" and change.after == "reconnecting":
            self._failed.set()
        if self._also is not None:
            self._also(change)

    async def open(self, bus: Bus, *, wait: bool) -> None:
        """Open the bus. Raises what its first dial failed with, or what `Bus.open` raises."""
        import asyncio

        if wait:
            await bus.open()
            return
        opening = asyncio.create_task(bus.open())
        failing = asyncio.create_task(self._failed.wait())
        try:
            await asyncio.wait({opening, failing}, return_when=asyncio.FIRST_COMPLETED)
            if not opening.done() and bus.error is not None:
                raise bus.error
            await opening
        except BaseException:
            await bus.close(timeout_s=0)
            raise
        finally:
            opening.cancel()
            failing.cancel()
            await asyncio.gather(opening, failing, return_exceptions=True)

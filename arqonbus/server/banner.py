"""Banner: what listens where, and what is off, for the person who starts the server."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence

from arqonbus import __version__
from arqonbus.config import Settings

__all__ = ["DEFAULT_URL", "announce", "banner", "switched_off"]

DEFAULT_URL = "ws://127.0.0.1:9100/"
"""Where the command line looks for a server by itself; as in ``arqonbus.cli.kit.connection``, a test compares."""


def announce(
    settings: Settings, name: str, addresses: Sequence[str], runs_on: str, log: Callable[..., None], **more: object
) -> None:
    """Say that clients are taken: a banner for a person, a line of the log for a program.

    Args:
        settings: of the server.
        name: of the server.
        addresses: it listens at.
        runs_on: the event loop, or how many workers.
        log: takes the name of the event, and fields.
        more: fields of the line.
    """
    if settings.log.format == "text" or (settings.log.format == "auto" and sys.stderr.isatty()):
        print(banner(settings, name, addresses, runs_on), file=sys.stderr)  # noqa: T201 - the banner
        return
    off = ", ".join(switched_off(settings))
    log("server_started", server=name, addresses=" ".join(addresses), loop=runs_on, off=off, **more)


def banner(settings: Settings, name: str, addresses: Sequence[str], runs_on: str) -> str:
    """Write the banner: a few lines of text. See announce."""
    scheme, probe = ("wss", "https") if settings.server.tls_cert else ("ws", "http")
    lines = [f"ArqonBus {__version__}  {name}  ({runs_on})"]
    for address in addresses:
        if address.startswith("/"):
            lines.append(f"  listens    unix:{address}")
        else:
            lines.append(f"  listens    {scheme}://{address}{settings.server.path}")
            lines.append(f"  probes     {probe}://{address}/health /ready /version")
    place = "Redis, which servers share" if settings.redis.url else "memory"
    lines.append(f"  keeps      history in {place}, {settings.history.limit} messages a channel")
    off = switched_off(settings)
    if off:
        lines.append(f"  off        {', '.join(off)}")
    lines += _first_try(settings, scheme, addresses)
    lines.append("  Ctrl-C drains and stops; twice stops at once")
    return "\n".join(lines)


def _first_try(settings: Settings, scheme: str, addresses: Sequence[str]) -> list[str]:
    """Name two commands that talk to this server; none where only a Unix socket listens."""
    address = next((address for address in addresses if not address.startswith("/")), None)
    if address is None:
        return []
    url = f"{scheme}://{address}{settings.server.path}"
    where = "" if url == DEFAULT_URL else f" --url {url}"
    program = _program(sys.argv[0])
    return [
        f"  try        {program} sub science:explore{where}",
        f"             {program} pub science:explore hello{where}",
    ]


def _program(called: str) -> str:
    """Write the command so that a shell finds it: as it was called, if the search path does not lead to it."""
    if os.path.basename(called) != "arqonbus" or shutil.which("arqonbus") is not None:
        return "arqonbus"
    return min(os.path.relpath(called), called, key=len)


def switched_off(settings: Settings) -> list[str]:
    """Name what the settings leave off and people may expect on."""
    off = {
        "TLS": not settings.server.tls_cert,
        "authentication (auth.keys)": not settings.auth.keys,
        "compression": not settings.server.compression,
        "browser pages of other origins (server.origins)": not settings.server.origins,
        "history": settings.history.limit == 0,
        "auto-creation of channels": not settings.channels.auto_create,
    }
    return [name for name, is_off in off.items() if is_off]

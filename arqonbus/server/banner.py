"""Banner: what listens where, and what is off, for the person who starts the server."""

from __future__ import annotations

from collections.abc import Sequence

from arqonbus import __version__
from arqonbus.config import Settings

__all__ = ["banner", "switched_off"]


def banner(settings: Settings, name: str, addresses: Sequence[str], loop: str) -> str:
    """Write the banner: a few lines of text."""
    scheme, probe = ("wss", "https") if settings.server.tls_cert else ("ws", "http")
    lines = [f"ArqonBus {__version__}  {name}  ({loop})"]
    for address in addresses:
        if address.startswith("/"):
            lines.append(f"  listens    unix:{address}")
        else:
            lines.append(f"  listens    {scheme}://{address}{settings.server.path}")
            lines.append(f"  probes     {probe}://{address}/health /ready /version")
    lines.append(f"  keeps      history in memory, {settings.history.limit} messages a channel")
    off = switched_off(settings)
    if off:
        lines.append(f"  off        {', '.join(off)}")
    lines.append("  Ctrl-C drains and stops; twice stops at once")
    return "\n".join(lines)


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

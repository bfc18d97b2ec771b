"""ArqonBus: a small, sharp, reliable real-time message bus over WebSocket.

The public names are resolved on first use (PEP 562), so that ``import arqonbus`` and the command line stay fast.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arqonbus.client import Bus as Bus
    from arqonbus.client import ClientError as ClientError
    from arqonbus.client import Message as Message
    from arqonbus.client import connect as connect
    from arqonbus.config import Settings as Settings
    from arqonbus.errors import ArqonError as ArqonError
    from arqonbus.errors import ConfigError as ConfigError

__version__ = "0.1.0"

__all__ = ["ArqonError", "Bus", "ClientError", "ConfigError", "Message", "Settings", "__version__", "connect"]

_HOMES = {
    "ArqonError": "arqonbus.errors",
    "Bus": "arqonbus.client",
    "ClientError": "arqonbus.client",
    "ConfigError": "arqonbus.errors",
    "Message": "arqonbus.client",
    "Settings": "arqonbus.config",
    "connect": "arqonbus.client",
}


def __getattr__(name: str) -> object:
    """Import a public name from its home module on first use."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)

"""ArqonBus: a small, sharp, reliable real-time message bus over WebSocket.

The public names are resolved on first use (PEP 562), so that ``import arqonbus`` and the command line stay fast.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arqonbus.config import Settings as Settings
    from arqonbus.errors import ArqonError as ArqonError
    from arqonbus.errors import ConfigError as ConfigError

__version__ = "0.1.0"

__all__ = ["ArqonError", "ConfigError", "Settings", "__version__"]

_HOMES = {"ArqonError": "arqonbus.errors", "ConfigError": "arqonbus.errors", "Settings": "arqonbus.config"}


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

"""Configuration: settings structs, and loading them from flags, environment and file.

Pure but for reading one file: no socket, no loop, no logging. Imported by the server and the command line only.
"""

from arqonbus.config.load import Loaded, load
from arqonbus.config.settings import (
    Auth,
    Channels,
    Groups,
    History,
    Limits,
    Log,
    Predefined,
    Redis,
    Server,
    Settings,
    Telemetry,
)
from arqonbus.config.sources import Override

__all__ = [
    "Auth",
    "Channels",
    "Groups",
    "History",
    "Limits",
    "Loaded",
    "Log",
    "Override",
    "Predefined",
    "Redis",
    "Server",
    "Settings",
    "Telemetry",
    "load",
]

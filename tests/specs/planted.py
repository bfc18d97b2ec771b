"""A bus with faults planted on purpose, run as the real one: python -m tests.specs.planted run --config FILE --port N.

Everything is the server's own but for two parts, which it is handed when it is put together: a gate and a store. They
are those of the server too, until they meet a name that stands for a fault:

| name | who meets it | in the turn of |
|---|---|---|
| id ``fault-in-channel...`` of an event | the store, which knows the ids published lately | a channel |
| channel ``fault-in-room`` | the store | a room |
| channel ``fault-in-gate``, in an event | the gate | a session |
| channel ``fault-in-gate``, in a command | the gate | the registry |

And the gate forbids what stands in the file ``forbidden.txt`` of its folder, lines of ``user room:channel``:
permissions that go while the server runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

from arqonbus.actor import Ref
from arqonbus.commands.request import View
from arqonbus.config import Override, Settings, load
from arqonbus.errors import Forbidden
from arqonbus.routing.mail import RegistryMail
from arqonbus.routing.session import SessionSetup
from arqonbus.security.gate import Action, Gate, Identity
from arqonbus.server import serve
from arqonbus.server.assembly import Bus
from arqonbus.storage.history import History, Log, Retention
from arqonbus.storage.recent import Recent

FORBIDDEN = Path("forbidden.txt")
SAID = "a fault on purpose"
"""Stands in the log of every one of them."""


class PlantedGate(Gate):
    """The gate, with faults and a file of what is forbidden."""

    __slots__ = ()

    def authorize(self, identity: Identity, action: Action, room: str | None, channel: str | None) -> None:
        """See Gate."""
        if channel == "fault-in-gate":
            raise RuntimeError(SAID)
        if action is Action.SUBSCRIBE and f"{identity.user} {room}:{channel}" in self._forbidden():
            raise Forbidden("expected the permission to subscribe, which is gone")
        super().authorize(identity, action, room, channel)

    def _forbidden(self) -> list[str]:
        return FORBIDDEN.read_text("utf-8").splitlines() if FORBIDDEN.exists() else []


class PlantedRecent:
    """The ids published lately, of which one cannot be looked up."""

    def __init__(self, recent: Recent) -> None:
        self._recent = recent

    def seq_of(self, key: Hashable, now: float) -> int | None:
        """See Recent."""
        if isinstance(key, tuple) and key[1].startswith("fault-in-channel"):
            raise RuntimeError(SAID)
        return self._recent.seq_of(key, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._recent, name)


class PlantedLog:
    """A log with such ids."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.recent = PlantedRecent(log.recent)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


class PlantedHistory:
    """The store, with a channel that cannot be asked for."""

    def __init__(self, history: History) -> None:
        self._history = history

    def open(self, room: str, channel: str, retention: Retention, note: bytes = b"") -> PlantedLog:
        """See History."""
        return PlantedLog(self._history.open(room, channel, retention, note))

    def holds(self, room: str, channel: str) -> bool:
        """See History."""
        if channel == "fault-in-room":
            raise RuntimeError(SAID)
        return self._history.holds(room, channel)

    def note(self, room: str, channel: str) -> bytes:
        """See History."""
        if channel == "fault-in-room":
            raise RuntimeError(SAID)
        return self._history.note(room, channel)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._history, name)


class PlantedBus(Bus):
    """The bus, put together with these parts."""

    def _view(self, settings: Settings, gate: Gate, timestamp: Callable[[], str]) -> View:
        return super()._view(settings, PlantedGate(), timestamp)

    def _sessions(self, settings: Settings, gate: Gate) -> SessionSetup:
        return super()._sessions(settings, PlantedGate())

    def _spawn_registry(self, settings: Settings, view: View, timestamp: Callable[[], str]) -> Ref[RegistryMail]:
        planted: Any = PlantedHistory(self._history)
        self._history = planted
        return super()._spawn_registry(settings, view, timestamp)


def main(arguments: list[str]) -> int:
    """Run it with the flags that the harness gives to a bus."""
    flags = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    loaded = load([Override("--port", "server.port", flags["--port"])], path=flags["--config"])
    return serve(loaded.settings, bus_type=PlantedBus)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

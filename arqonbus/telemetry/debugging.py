"""Debugging: clients whose every message is traced, because an administrator asked for it.

They pass by the sampler, so their number and their messages have bounds of their own.
"""

from __future__ import annotations

from typing import Final

from arqonbus.telemetry.sampler import Bucket

__all__ = ["DEBUG_RATE", "Debugging"]

DEBUG_RATE: Final = 1000.0
"""Traces a second that all such clients together may have; what is more is left to the sampler."""


class Debugging:
    """One for a process. Used in the loop's thread only."""

    __slots__ = ("_bucket", "_most", "_n_clients")

    def __init__(self, most: int) -> None:
        """Args: ``most``: such clients at once; 0: none."""
        self._most = most
        self._n_clients = 0
        self._bucket = Bucket(DEBUG_RATE, DEBUG_RATE)

    def enter(self) -> bool:
        """Count one client more; returns whether there is room for it."""
        has_room = self._n_clients < self._most
        self._n_clients += has_room
        return has_room

    def leave(self) -> None:
        """Count one less, of those that entered."""
        self._n_clients -= 1

    def take(self, now: float) -> bool:
        """Take the right to one trace; ``now``: monotonic seconds."""
        return self._bucket.take(now)

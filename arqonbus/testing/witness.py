"""Witness: the bus's own store, watched, and made to fail when the run says so. Faults: what is to fail next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from arqonbus.errors import StorageError
from arqonbus.protocol.names import is_system
from arqonbus.storage.history import History, Log, Page, Retention
from arqonbus.storage.recent import Recent
from arqonbus.testing.ledger import Ledger
from arqonbus.testing.plan import Address

__all__ = ["Faults", "Injected", "WitnessHistory", "WitnessLog"]


class Injected(Exception):
    """Raised on purpose, inside an actor."""


class Faults:
    """What fails next. Counted down by those who fail."""

    def __init__(self) -> None:
        self.clock = 0  # looks at the wall clock that raise Injected
        self.appends = 0  # appends that raise StorageError
        self.reads = 0  # opens and reads of the store that raise Injected
        self.broken_appends = 0  # appends that raise Injected, which no store may do

    def heal(self) -> None:
        """Let nothing fail any more."""
        self.clock = self.appends = self.reads = self.broken_appends = 0

    def look_at_clock(self) -> None:
        """Raise Injected if that is due."""
        if self.clock:
            self.clock -= 1
            raise Injected("no time")

    def read(self) -> None:
        """Raise Injected if that is due."""
        if self.reads:
            self.reads -= 1
            raise Injected("no store")

    def append(self) -> None:
        """Raise what is due."""
        if self.broken_appends:
            self.broken_appends -= 1
            raise Injected("no store")
        if self.appends:
            self.appends -= 1
            raise StorageError("no room")


class WitnessLog:
    """One log; see Log."""

    def __init__(self, log: Log, address: Address, ledger: Ledger, faults: Faults) -> None:
        self._log = log
        self._address = address
        self._ledger = ledger
        self._faults = faults

    @property
    def epoch(self) -> str:
        """See Log."""
        return self._log.epoch

    @property
    def top(self) -> int:
        """See Log."""
        return self._log.top

    @property
    def recent(self) -> Recent:
        """See Log."""
        return self._log.recent

    @property
    def keeps(self) -> bool:
        """See Log."""
        return self._log.keeps

    def append(self, texts: Sequence[bytes]) -> int:
        """See Log."""
        self._faults.append()
        top = self._log.append(texts)
        if not is_system(self._address[0]):  # nobody sends what the server tells of itself
            self._ledger.appended(self._address, self._log.epoch, texts)
        return top

    def read(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        newest_first: bool = False,
        limit: int = 100,
        size_bytes: int | None = None,
    ) -> Page:
        """See Log."""
        self._faults.read()
        return self._log.read(after=after, before=before, newest_first=newest_first, limit=limit, size_bytes=size_bytes)

    def retain(self, retention: Retention) -> None:
        """See Log."""
        self._log.retain(retention)

    def close(self) -> None:
        """See Log."""
        self._log.close()
        self._ledger.ended(self._address)


class WitnessHistory:
    """All logs; see History."""

    def __init__(self, history: History, ledger: Ledger, faults: Faults) -> None:
        self._history = history
        self._ledger = ledger
        self._faults = faults
        self.backend: Literal["memory", "redis"] = history.backend

    def open(self, room: str, channel: str, retention: Retention, note: bytes = b"") -> Log:
        """See History."""
        self._faults.read()
        log = self._history.open(room, channel, retention, note)
        self._ledger.opened((room, channel), log.epoch, log.top)
        return WitnessLog(log, (room, channel), self._ledger, self._faults)

    def note(self, room: str, channel: str) -> bytes:
        """See History."""
        return self._history.note(room, channel)

    def holds(self, room: str, channel: str) -> bool:
        """See History."""
        return self._history.holds(room, channel)

    def holds_any(self, room: str) -> bool:
        """See History."""
        return self._history.holds_any(room)

    def delete(self, room: str, channel: str) -> None:
        """See History."""
        self._history.delete(room, channel)
        self._ledger.deleted((room, channel))

    def sweep(self) -> None:
        """See History."""
        self._history.sweep()

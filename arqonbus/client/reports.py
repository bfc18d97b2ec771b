"""Reports: what the bus tells the program by callbacks, none of which can hurt the bus. Rules R2, R27 and R42."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from arqonbus.client.errors import ClientError
from arqonbus.client.incoming import SystemHook
from arqonbus.client.state import StateChange

__all__ = ["Reports"]

LOG_EVERY_S: Final = 1.0
"""One line a kind of error; what comes in between is counted into the next."""

_log: Final = logging.getLogger("arqonbus.client")
_log.addHandler(logging.NullHandler())


class Reports:
    """The callbacks of one bus.

    Args:
        on_error: told of every error that no caller gets; None: they are logged
        on_state: told of every change of state
        on_system: told of system events
    """

    def __init__(
        self,
        on_error: Callable[[Exception], None] | None,
        on_state: Callable[[StateChange], None] | None,
        on_system: SystemHook | None,
    ) -> None:
        self.error: Callable[[Exception], None] = self._log_error if on_error is None else self.guarded(on_error)
        self.state: Callable[[StateChange], None] = self.guarded(on_state)
        self.system: SystemHook = self.guarded(on_system)
        self._logged: dict[str, tuple[float, int]] = {}  # by kind of error: when it was logged, how many since

    def guarded(self, callback: Callable[..., None] | None) -> Callable[..., None]:
        """Wrap a callback of the program, or none, so that what it raises is logged and goes no further."""
        if callback is None:
            return _nothing

        def call(*args: Any) -> None:
            try:
                callback(*args)
            except Exception:  # noqa: BLE001 - a callback of the program may raise anything
                _log.exception("callback_failed callback=%s", getattr(callback, "__qualname__", callback))

        return call

    def _log_error(self, error: Exception) -> None:
        kind = error.code if isinstance(error, ClientError) else type(error).__name__
        now = time.monotonic()
        at, n = self._logged.get(kind, (float("-inf"), 0))
        if now - at < LOG_EVERY_S:
            self._logged[kind] = (at, n + 1)
            return
        self._logged[kind] = (now, 0)
        notes = "; ".join(getattr(error, "__notes__", ()))
        own = isinstance(error, ClientError)
        _log.warning("error kind=%s text=%s notes=%s more=%d", kind, error, notes, n, exc_info=None if own else error)


def _nothing(*_: object) -> None:
    """A callback that nobody gave."""

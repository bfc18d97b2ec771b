"""Promise: something that will be there later, awaited on a loop that is driven by hand, or there at once."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Generic, TypeVar

__all__ = ["Promise"]

T = TypeVar("T")


class Promise(Generic[T]):
    """Kept or broken once, by whoever made it. While it is open it can be awaited by a ManualTask only."""

    def __init__(self) -> None:
        self._value: Any = None
        self._error: Exception | None = None
        self._is_done = False

    def done(self) -> bool:
        """Whether awaiting it ends at once."""
        return self._is_done

    def keep(self, value: T) -> None:
        """Give what was promised. Without effect when it is done."""
        if not self._is_done:
            self._value, self._is_done = value, True

    def fail(self, error: Exception) -> None:
        """Have whoever awaits it get an error. Without effect when it is done."""
        if not self._is_done:
            self._error, self._is_done = error, True

    def __await__(self) -> Generator[Any, None, T]:
        while not self._is_done:
            yield self
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[no-any-return] # of the type that was promised

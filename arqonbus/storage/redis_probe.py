"""Probe: a node's question to itself, by way of Redis: what is published by one wire must come back by the other.

After a failover a subscription can stand on a server that nobody publishes to any more, with every PING answered.
"""

from __future__ import annotations

__all__ = ["Probe"]


class Probe:
    """One question to oneself. Times are monotonic seconds.

    Args:
        channel: that nobody else uses.
    """

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self._hears = False
        self._sent_at: float | None = None  # of the one on its way; None: none is
        self._next_at = 0.0

    def confirmed(self) -> bool:
        """See Listener."""
        self._hears = True
        return True

    def message(self, data: bytes) -> None:
        """See Listener: it came back."""
        self._sent_at = None

    def broken(self) -> None:
        """See Listener."""
        self.reset()

    def reset(self) -> None:
        """Forget what is on its way: the wires are others now."""
        self._hears, self._sent_at = False, None

    def is_due(self, now: float, every_s: float) -> bool:
        """Whether it is time to ask."""
        return self._hears and self._sent_at is None and now >= self._next_at + every_s

    def is_late(self, now: float, late_s: float) -> bool:
        """Whether the question should be back by now."""
        return self._sent_at is not None and now - self._sent_at > late_s

    def sent(self, now: float) -> None:
        """Take the news that it was asked."""
        self._sent_at = self._next_at = now

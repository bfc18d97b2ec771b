"""Activity: the server's events about itself, on their way to the telemetry channel.

``emit`` never blocks and never raises: what is too much is dropped, counted, and told by an event of its own when there
is room again. How events become envelopes of a channel is the publisher's, which is an argument. Events about the
telemetry room itself are not sent: they would be about their own delivery.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from arqonbus.protocol.activities import ACTIVITIES, Activity, ActivityDropped
from arqonbus.telemetry.logs import get_log
from arqonbus.telemetry.pulse import Timer
from arqonbus.telemetry.sampler import Bucket

__all__ = ["ActivityEmitter", "Emit", "Happened", "silent"]

MOST_WAITING: Final = 1000
"""Events that wait for the publisher; 0.2 KB each."""

RETRY_S: Final = 0.1
"""Before a publisher that took nothing is asked again."""

TELL_S: Final = 1.0
"""Between two events that tell how many were dropped: they must not be the flood themselves."""

_NAMES: Final = {payload: name for name, payload in ACTIVITIES.items()}

_log = get_log("telemetry")

Emit = Callable[[Activity], None]
"""What actors are given."""


class Happened(Struct, frozen=True):
    """One event, for the publisher."""

    event: str
    """A name of ``ACTIVITIES``."""
    timestamp: str
    """RFC 3339, when it happened."""
    payload: Activity


Publish = Callable[[Sequence[Happened]], bool]
"""Puts events into the telemetry channel, in their order. False: not now, none was taken. Never blocks."""


def silent(activity: Activity) -> None:
    """Emit nothing: for a server whose setting ``telemetry.activity`` is off."""


class ActivityEmitter:
    """Takes events of all actors of one process. In the loop's thread only."""

    __slots__ = (
        "_bucket",
        "_call_later",
        "_is_broken",
        "_is_soon",
        "_most_waiting",
        "_now",
        "_publish",
        "_room",
        "_tell_at",
        "_timer",
        "_timestamp",
        "_untold",
        "_waiting",
        "n_dropped",
        "n_sent",
    )

    def __init__(
        self,
        publish: Publish,
        call_later: Callable[[float, Callable[[], None]], Timer],
        now: Callable[[], float],
        timestamp: Callable[[], str],
        *,
        room: str,
        rate: float,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """Wait for events.

        Args:
            publish: see ``Publish``.
            call_later: seconds, callback; of the loop.
            now: monotonic seconds.
            timestamp: the wall clock, RFC 3339.
            room: the telemetry room.
            rate: events a second, above 0; a burst of two seconds' worth passes.
            most_waiting: events that may wait.
        """
        self._publish = publish
        self._call_later = call_later
        self._now = now
        self._timestamp = timestamp
        self._room = room
        self._bucket = Bucket(rate, rate * 2)
        self._most_waiting = most_waiting
        self._waiting: deque[Happened] = deque()
        self._timer: Timer | None = None
        self._is_soon = False  # the timer is for events that wait, not for telling what was dropped
        self._is_broken = False  # the publisher raised when it was asked last
        self._tell_at = 0.0  # monotonic seconds: not before
        self._untold = 0  # dropped, and not told yet
        self.n_dropped = 0
        self.n_sent = 0

    def emit(self, activity: Activity) -> None:
        """Send one event soon. 1 us."""
        if getattr(activity, "room", None) == self._room:
            return
        if len(self._waiting) >= self._most_waiting or not self._bucket.take(self._now()):
            self.n_dropped += 1
            self._untold += 1
            if self._timer is None:
                self._timer = self._call_later(TELL_S, self._flush)
            return
        try:
            timestamp = self._timestamp()
        except Exception:  # noqa: BLE001 - whoever emits is in the middle of something that matters more
            self.n_dropped += 1
            return
        self._waiting.append(Happened(_NAMES[type(activity)], timestamp, activity))
        if not self._is_soon:
            # Not at once: emit is called in the middle of a turn, and a turn's events go out together.
            self._flush_in(0.0)

    def close(self) -> None:
        """Send what waits, if the publisher takes it; then send nothing more."""
        self._tell_at = 0.0
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
        self._most_waiting = 0
        self._waiting.clear()

    def _flush_in(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._is_soon = True
        self._timer = self._call_later(delay_s, self._flush)

    def _flush(self) -> None:
        self._timer, self._is_soon = None, False
        batch, now = list(self._waiting), self._now()
        untold = self._untold if now >= self._tell_at else 0
        if untold:
            batch.append(Happened("activity_dropped", self._timestamp(), ActivityDropped(untold)))
        if batch and not self._is_taken(batch):
            self._flush_in(RETRY_S)
            return
        self._waiting.clear()
        if untold:
            self._untold -= untold
            self._tell_at = now + TELL_S
        if self._untold:
            self._timer = self._call_later(TELL_S, self._flush)

    def _is_taken(self, batch: list[Happened]) -> bool:
        try:
            is_taken = self._publish(batch)
        except Exception as error:  # noqa: BLE001 - whoever emits is in the middle of something that matters more
            # As good as taken: a publisher that fails once would fail for ever with the same events.
            if not self._is_broken:
                _log.error("activity_not_published", error=error, events=len(batch))
            self._is_broken = True
            self.n_dropped += len(batch)
            return True
        self._is_broken = False
        self.n_sent += len(batch) if is_taken else 0
        return is_taken

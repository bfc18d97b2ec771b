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
        "_most_waiting",
        "_now",
        "_publish",
        "_room",
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
        else:
            self._waiting.append(Happened(_NAMES[type(activity)], self._timestamp(), activity))
        if self._timer is None:
            # Not at once: emit is called in the middle of a turn, and a turn's events go out together.
            self._timer = self._call_later(0.0, self._flush)

    def close(self) -> None:
        """Send what waits, if the publisher takes it; then send nothing more."""
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
        self._most_waiting = 0
        self._waiting.clear()

    def _flush(self) -> None:
        self._timer = None
        batch = list(self._waiting)
        untold = self._untold
        if untold and len(batch) < self._most_waiting:
            batch.append(Happened("activity_dropped", self._timestamp(), ActivityDropped(untold)))
        if not batch:
            return
        if not self._is_taken(batch):
            self._timer = self._call_later(RETRY_S, self._flush)
            return
        self._waiting.clear()
        self.n_sent += len(batch)
        if batch[-1].event == "activity_dropped":
            self._untold -= untold

    def _is_taken(self, batch: list[Happened]) -> bool:
        try:
            return self._publish(batch)
        except Exception as error:  # noqa: BLE001 - whoever emits is in the middle of something that matters more
            # As good as taken: a publisher that fails once would fail for ever with the same events.
            _log.error("activity_not_published", error=error, events=len(batch))
            self.n_dropped += len(batch)
            self.n_sent -= len(batch)
            return True

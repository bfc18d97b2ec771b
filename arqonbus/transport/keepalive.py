"""Time for many connections with one timer: a coarse clock and a timing wheel; and what a connection counts by time.

Pure: the listener's periodic timer moves both. Each connection has one deadline at a time (handshake, keepalive or
close, by its state), so ten thousand idle ones cost a set entry each and no timer in the loop.
"""

from collections.abc import Iterator
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

__all__ = ["Beat", "Bucket", "Clock", "Pulse", "Timed", "Wheel", "tick_for"]

_LONGEST_TICK_S: Final = 0.25  # how late a deadline may be noticed, at most
_SHORTEST_TICK_S: Final = 0.02  # 50 wake-ups a second of an idle process, only where deadlines are that short
_NOWHERE: Final = -1
_NEVER: Final = float("-inf")


class Clock:
    """Monotonic seconds as of the last tick; an attribute is cheaper than asking the loop on every read."""

    __slots__ = ("now",)

    def __init__(self, now: float) -> None:
        """Start at `now`."""
        self.now = now


class Timed(Protocol):
    """Something that can wait in a wheel."""

    slot: int
    """Where it waits. The wheel's own; -1 at the start and while it waits nowhere."""


T = TypeVar("T", bound=Timed)


class Wheel(Generic[T]):
    """A circle of slots, one tick wide each; who is due is found without looking at anybody else.

    A delay longer than the circle is cut to it: the item comes up early and has itself put in again. `put` and `remove`
    are O(1), `advance` is O(items due + ticks passed).
    """

    __slots__ = ("_at", "_slots", "_tick_s", "_time")

    def __init__(self, now: float, tick_s: float, span_s: float) -> None:
        """Make an empty wheel.

        Args:
            now: Monotonic seconds.
            tick_s: Width of a slot.
            span_s: The longest delay that needs no second turn.
        """
        self._tick_s = tick_s
        self._slots: list[set[T]] = [set() for _ in range(int(span_s / tick_s) + 2)]
        self._at = 0  # the slot that `advance` emptied last
        self._time = now  # when that was due

    def put(self, item: T, delay_s: float) -> None:
        """Have the item come up after the delay, at the earliest; it waits in one place only."""
        self.remove(item)
        n_ticks = min(int(delay_s / self._tick_s) + 1, len(self._slots) - 1)
        item.slot = (self._at + n_ticks) % len(self._slots)
        self._slots[item.slot].add(item)

    def remove(self, item: T) -> None:
        """Forget the item; without effect when it does not wait."""
        if item.slot != _NOWHERE:
            self._slots[item.slot].discard(item)
            item.slot = _NOWHERE

    def advance(self, now: float) -> Iterator[T]:
        """Yield all that is due by `now`, taken out of the wheel; an item may be put in again while being handled.

        An item that was removed while others were handled comes up all the same: its handler must bear that.
        """
        n_passed = int((now - self._time) / self._tick_s)
        self._time += n_passed * self._tick_s
        due: list[T] = []
        for _ in range(min(n_passed, len(self._slots))):
            self._at = (self._at + 1) % len(self._slots)
            if self._slots[self._at]:
                due += self._slots[self._at]
                self._slots[self._at] = set()
        for item in due:
            item.slot = _NOWHERE
        for item in due:
            if item.slot == _NOWHERE:
                yield item


class Beat(NamedTuple):
    """What is due on a connection, and when to ask again."""

    heartbeat: bool
    """Tell the client that we live: nothing was said for long."""
    ping: bool
    """Ask whether the client lives: nothing was heard for long."""
    dead: bool
    """It did not answer in time. Nothing else is due then."""
    next_s: float
    """From now; 0 or more."""


class Pulse:
    """When one connection was heard and spoke, to the tick. Any byte counts as life, both ways of it on their own."""

    __slots__ = ("_pinged", "heard", "said")

    def __init__(self, now: float) -> None:
        """Start with both at `now`; their owner sets them from then on."""
        self.heard = now
        self.said = now
        self._pinged = _NEVER  # when the ping went out that nothing was heard after

    def beat(self, now: float, heartbeat_s: float, pong_s: float, *, is_reading: bool) -> Beat:
        """Say what is due, and take it as done.

        Args:
            now: Monotonic seconds.
            heartbeat_s: Longest silence.
            pong_s: How long a ping may go without any byte coming.
            is_reading: False while we don't read the client: then it can't be heard, and isn't asked.
        """
        heartbeat = now - self.said >= heartbeat_s
        if heartbeat:
            self.said = now
        if not is_reading:
            self.heard = now
        if self.heard >= self._pinged:
            self._pinged = _NEVER
        elif now - self._pinged >= pong_s:
            return Beat(heartbeat=False, ping=False, dead=True, next_s=0.0)
        ping = self._pinged == _NEVER and now - self.heard >= heartbeat_s
        if ping:
            self._pinged = now
        heard_by = self.heard + heartbeat_s if self._pinged == _NEVER else self._pinged + pong_s
        return Beat(heartbeat, ping, dead=False, next_s=max(0.0, min(self.said + heartbeat_s, heard_by) - now))


class Bucket:
    """Token bucket of one connection: so many at once, so many a second."""

    __slots__ = ("_at", "_left")

    def __init__(self, now: float, burst: int) -> None:
        """Start full."""
        self._left = float(burst)  # tokens
        self._at = now  # when they were counted

    def take(self, now: float, rate: float, burst: int) -> bool:
        """Take one token. False: there was none.

        Args:
            now: Monotonic seconds.
            rate: Tokens that come back, a second.
            burst: Most tokens.
        """
        self._left = min(float(burst), self._left + (now - self._at) * rate)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


def tick_for(*delays_s: float) -> float:
    """Choose the tick: a quarter of the shortest delay in use, between 20 and 250 ms."""
    return max(_SHORTEST_TICK_S, min(_LONGEST_TICK_S, min(delays_s) / 4))

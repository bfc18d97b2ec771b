"""Link: whether Redis is within reach, as a state that everybody can act upon; and when to try again. Pure.

    HOLDING ──wires up──▶ RESYNC ──feeds mended──▶ UP
     │   ▲                  │ ▲                     │
     │   └──wires down──────┘ └──wires up──┐        │
     │   ▲                                 │        │
     │   └─────────────wires down──────────┼────────┘
     └──hold_s over──▶ LOCAL ──────────────┘

HOLDING: appends wait for the wires, in order. LOCAL: they are refused at once; channels go on without the store. A link
begins as HOLDING, so that a start has the same patience as a failover, and a start without Redis ends as LOCAL.
"""

from __future__ import annotations

from collections.abc import Callable

from arqonbus.storage.shared_log import LinkState

__all__ = ["Backoff", "Link"]


class Link:
    """The state of one primary. Each method gives the state that follows if it is another one, else None.

    Args:
        hold_s: how long appends wait before the link counts as local, >= 0.
        now: monotonic seconds.
    """

    __slots__ = ("_down_since", "_hold_s", "state")

    def __init__(self, hold_s: float, now: float) -> None:
        self._hold_s = hold_s
        self._down_since = now  # since when it is not UP
        self.state: LinkState = "holding"

    def wires_up(self) -> LinkState | None:
        """All connections stand."""
        return self._go("resync") if self.state in ("holding", "local") else None

    def mended(self) -> LinkState | None:
        """All feeds have caught up."""
        return self._go("up") if self.state == "resync" else None

    def wires_down(self, now: float) -> LinkState | None:
        """A connection is gone."""
        if self.state == "up":
            self._down_since = now
            return self._go("holding")
        if self.state == "resync":  # it was down before: what is held has waited since then
            return self._go("holding") if now - self._down_since < self._hold_s else self._go("local")
        return None

    def tick(self, now: float) -> LinkState | None:
        """Time passes."""
        if self.state == "holding" and now - self._down_since >= self._hold_s:
            return self._go("local")
        return None

    def _go(self, state: LinkState) -> LinkState:
        self.state = state
        return state


class Backoff:
    """Pauses between attempts: at first none, then a random part ("full jitter") of a bound that doubles.

    Args:
        random: gives numbers in [0, 1).
        least_s: first bound.
        most_s: last bound.
    """

    __slots__ = ("_least_s", "_most_s", "_n", "_random")

    def __init__(self, random: Callable[[], float], least_s: float = 0.05, most_s: float = 2.0) -> None:
        self._random = random
        self._least_s = least_s
        self._most_s = most_s
        self._n = 0

    def pause(self) -> float:
        """Give the seconds to wait before the next attempt."""
        self._n += 1
        if self._n == 1:
            return 0.0
        return self._random() * min(self._most_s, self._least_s * 2.0 ** min(self._n - 2, 30))

    def reset(self) -> None:
        """Begin anew: an attempt has lasted."""
        self._n = 0

"""Mailbox: what waits for one actor, in two lanes, bounded. Pure data: no loop, no clock.

The control lane goes first and takes what the bus itself tells an actor (answers, deliveries, ends of other actors);
it is short because whoever fills it gets its own next turn only after this actor had one. The user lane takes what
comes from outside and is bounded in items and in weight; when it is full, ``put`` gives the verdict at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

__all__ = ["Bounds", "Mailbox", "Overflow"]

M = TypeVar("M")


NO_BOUND = 1 << 62  # of weight: more than any memory


class Overflow(Enum):
    """The verdict on a mail that finds the user lane full."""

    REFUSE = "refuse"  # put answers False: the sender keeps the mail and may wait for room
    DROP_OLDEST = "drop_oldest"  # the mail that waited longest goes, and is counted


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a user lane holds. Shared by all mailboxes of one kind.

    Attributes:
        items: most mails that wait, >= 1. Those that a turn has taken don't wait, and may come back above the bound.
        weight: most units of weight (bytes, where the bus uses it), >= 1. A lane below it takes one more mail of
            any weight, so that a mail heavier than the bound can still pass through an empty lane. What was put
            counts until the lane has been empty at the end of a turn.
        low: how many mails may be left when those who wait for room are called.
        overflow: the verdict when full. DROP_OLDEST knows no bound of weight: a lane does not keep what each mail
            weighs, so it could not tell how many to drop.
    """

    items: int = 1024
    weight: int = NO_BOUND
    low: int = 512
    overflow: Overflow = Overflow.REFUSE

    def __post_init__(self) -> None:
        """Refuse bounds that could never be met."""
        if self.items < 1 or self.weight < 1 or not 0 <= self.low < self.items:
            raise ValueError(f"expected items >= 1, weight >= 1, 0 <= low < items, got {self}")
        if self.overflow is Overflow.DROP_OLDEST and self.weight != NO_BOUND:
            raise ValueError(f"expected no bound of weight with drop_oldest, got {self.weight}")


class Line(Protocol):
    """A queue of the dispatcher's, as a mailbox sees it."""

    def __len__(self) -> int:
        """Count those who stand in it."""

    def append(self, cell: Any, /) -> None:
        """Have a cell stand in it, behind the others."""


Lines = tuple[Line, Line]
"""Of cells with user mail, and of those with control mail only."""

_NOBODY: Lines = (deque(), deque())  # nothing is put into an empty one


class Mailbox(Generic[M]):
    """Two lanes of mail for one cell; first in, first out inside a lane. Owned by the cell, filled by its ref.

    ``awake`` is true while the cell stands in the dispatcher's queue or has its turn: ``wake`` is called on the way
    from false to true only. ``held`` keeps the user lane closed to the cell (not to senders) until it is released.
    """

    __slots__ = (
        "awake",
        "bounds",
        "bury",
        "cell",
        "control",
        "dropped",
        "held",
        "is_open",
        "later",
        "max_weight",
        "ready",
        "refused",
        "room",
        "unsettled",
        "user",
        "waiters",
        "wake",
        "wake_later",
        "weight",
    )

    def __init__(
        self,
        bounds: Bounds,
        wake: Callable[[], None],
        bury: Callable[[M], None],
        wake_later: Callable[[], None] | None = None,
        cell: Any = None,
        lines: Lines | None = None,
    ) -> None:
        self.bounds = bounds
        self.room = bounds.items  # mails that the user lane may hold; 0 once closed: put needs one test for both
        self.max_weight = bounds.weight
        self.wake = wake  # puts the cell into the dispatcher's queue
        self.wake_later = wake_later or wake  # the same for control mail, which may wait for more to come
        # A queue in which others stand is run soon in any case: the cell joins it here, without a call of Python.
        self.cell = cell
        self.ready, self.later = lines or _NOBODY
        self.bury = bury  # is given a mail that nobody will read
        self.control: list[M] = []
        self.user: list[M] = []
        self.weight = 0  # of the user lane; falls to 0 only when that is empty: it may be too high, never too low
        self.awake = False
        self.held = False
        self.is_open = True
        self.refused = 0  # mails that found the lane full and went back to their sender
        self.dropped = 0  # mails lost to DROP_OLDEST
        self.waiters: list[Callable[[], None]] | None = None  # made on first use: most mailboxes never fill
        self.unsettled = (
            False  # a turn has more to end with than lanes: somebody waits for room, or the cell is to stop
        )

    def put(self, mail: M, weight: int = 0) -> bool:
        """Append to the user lane.

        Returns:
            False when the mail was not taken, and is still the sender's: the mailbox is closed, or full under
            ``Overflow.REFUSE``.
        """
        user = self.user
        if (len(user) >= self.room or self.weight >= self.max_weight) and not self._make_room():
            return False
        user.append(mail)
        self.weight += weight
        if not self.awake and not self.held:
            self.awake = True
            if self.ready:
                self.ready.append(self.cell)
            else:
                self.wake()
        return True

    def put_past_bound(self, mail: M) -> bool:
        """Append to the user lane whatever waits there. Returns False, a dead letter, only when it is closed."""
        if not self.is_open:
            self.bury(mail)
            return False
        self.user.append(mail)
        if not self.awake and not self.held:
            self.awake = True
            self.wake()
        return True

    def put_control(self, mail: M) -> bool:
        """Append to the control lane. Returns False only when the mailbox is closed; the mail is a dead letter then."""
        if not self.is_open:
            self.bury(mail)
            return False
        self.control.append(mail)
        if not self.awake:
            self.awake = True
            if self.later:
                self.later.append(self.cell)
            else:
                self.wake_later()
        return True

    def take_control(self) -> list[M]:
        """Give the whole control lane, oldest first."""
        taken, self.control = self.control, []
        return taken

    def take_user(self, limit: int) -> list[M]:
        """Give the oldest ``limit`` mails of the user lane, oldest first."""
        user = self.user
        if len(user) <= limit:
            self.user = []
            return user
        taken = user[:limit]
        del user[:limit]
        return taken

    def put_back(self, mails: list[M]) -> None:
        """Return mails that a turn took and did not handle to the front of the user lane, in their order."""
        if mails:
            self.user[:0] = mails

    def put_back_control(self, mails: list[M]) -> None:
        """Return control mails that a turn took and did not handle to the front of their lane."""
        self.control[:0] = mails

    def settle(self) -> list[Callable[[], None]]:
        """End a turn: fall asleep when nothing can be handled now, and give the callbacks that waited for room."""
        if not self.user:
            self.weight = 0
        self.awake = bool(self.control) or (bool(self.user) and not self.held)
        self.unsettled = self.waiters is not None
        if self.waiters is None or not self._has_room():
            return []
        waiters, self.waiters = self.waiters, None
        self.unsettled = False
        return waiters

    def hold(self) -> None:
        """Close the user lane to the cell until ``release``."""
        self.held = True

    def release(self) -> None:
        """Open the user lane to the cell again. Without effect when it was not held."""
        self.held = False
        if self.user and not self.awake:
            self.awake = True
            self.wake()

    def on_room(self, callback: Callable[[], None]) -> bool:
        """Keep ``callback`` until the lane is at its low mark. Returns False when there is room (or an end) already."""
        if not self.is_open or self._has_room():
            return False
        if self.waiters is None:
            self.waiters = []
        self.waiters.append(callback)
        self.unsettled = True
        return True

    def close(self) -> tuple[list[M], list[Callable[[], None]]]:
        """Take no more mail. Returns the unread mail (control lane first) and the callbacks that waited for room."""
        self.is_open = False
        self.room = 0
        unread, waiters = [*self.control, *self.user], self.waiters or []
        self.control, self.user, self.waiters, self.weight = [], [], None, 0
        return unread, waiters

    def _has_room(self) -> bool:
        return len(self.user) <= self.bounds.low and self.weight < self.max_weight

    def _make_room(self) -> bool:
        """Give the verdict on a mail for a lane that is full or closed: whether it is appended."""
        if not self.is_open:
            return False
        if self.bounds.overflow is Overflow.REFUSE:
            self.refused += 1
            return False
        del self.user[0]
        self.dropped += 1
        return True

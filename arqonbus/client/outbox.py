"""Outbox: what waits to be sent, and what was sent and is not answered. Bounded, in the order of the calls. Pure.

    put ──▶ waiting ──pop──▶ flying ──answered──▶ gone
               ▲  └─expire─▶ gone │
               └─────rewind───────┘   (the connection was lost)

A message that nobody wants an answer to is gone as soon as it is popped. Rules R19 to R26 of docs/sdk-spec.md.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, TypeAlias

__all__ = ["AfterLoss", "Item", "Outbox"]

AfterLoss: TypeAlias = Literal["forget", "if_known", "again", "give_up"]
"""What becomes of a message that was sent and not answered when the connection is lost: nothing (its owner sees to it),
sent again if the server can know it as a repeat, sent again in any case, given up as OutcomeUnknown."""


class Item:
    """One message on its way out. Owned by the outbox.

    Args:
        id: of the message
        text: JSON, as it goes out
        expires_at: monotonic seconds after which it is not sent any more; None: never
        answered: True: it stays until the server answered
        after_loss: see AfterLoss
        counted: False: one of the SDK's own, past the bounds
    """

    __slots__ = ("after_loss", "answered", "counted", "expires_at", "id", "text", "was_sent", "withdrawn")

    def __init__(
        self,
        id: str,
        text: bytes,
        *,
        expires_at: float | None = None,
        answered: bool = False,
        after_loss: AfterLoss = "forget",
        counted: bool = True,
    ) -> None:
        self.id = id
        self.text = text
        self.expires_at = expires_at
        self.answered = answered
        self.after_loss = after_loss
        self.counted = counted
        self.was_sent = False
        self.withdrawn = False  # its caller gave up; it stands in the queue until it is passed over


class Outbox:
    """The messages of one bus.

    Args:
        max_messages: that wait or fly, >= 1
        max_bytes: of their text, >= 1; one message of any size fits an empty outbox
    """

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._waiting: deque[Item] = deque()
        self._flying: dict[str, Item] = {}  # in the order in which they were sent
        self.messages = 0  # that count
        self.bytes = 0  # of their text

    def fits(self, size: int) -> bool:
        """Tell whether one more message of `size` bytes may be put."""
        return self.messages < self._max_messages and (self.messages == 0 or self.bytes + size <= self._max_bytes)

    def put(self, item: Item) -> None:
        """Let a message wait, behind all others. The caller has asked `fits`."""
        self._waiting.append(item)
        if item.counted:
            self.messages += 1
            self.bytes += len(item.text)

    def put_first(self, items: list[Item]) -> None:
        """Let messages go before all that wait, in their order; the SDK's own, which do not count."""
        self._waiting.extendleft(reversed(items))

    def holds(self, id: str) -> bool:
        """Whether a message waits or is not answered. O(waiting)."""
        return id in self._flying or any(item.id == id for item in self._waiting)

    @property
    def has_waiting(self) -> bool:
        """Whether `pop` may give something."""
        return bool(self._waiting)

    @property
    def is_empty(self) -> bool:
        """Whether nothing that counts waits or flies."""
        return self.messages == 0

    def pop(self) -> Item | None:
        """Take the next message to be sent. The caller has thrown away what is expired. None: nothing waits."""
        while self._waiting:
            item = self._waiting.popleft()
            if item.withdrawn:
                continue
            item.was_sent = True
            if item.answered:
                self._flying[item.id] = item
            else:
                self._release(item)
            return item
        return None

    def refuse(self, item: Item) -> None:
        """Take back what was just popped: it turned out that it must not be sent."""
        if self._flying.pop(item.id, None) is not None:
            self._release(item)

    def answered(self, id: str) -> None:
        """Note that the server has answered; without effect for an id that does not fly."""
        item = self._flying.pop(id, None)
        if item is not None:
            self._release(item)

    def withdraw(self, id: str) -> bool:
        """Give up a message. Returns whether it was ever sent; True also when it is not here any more."""
        if id in self._flying:
            self.answered(id)
            return True
        for item in self._waiting:
            if item.id == id and not item.withdrawn:
                item.withdrawn = True
                self._release(item)
                return item.was_sent
        return True

    def expire(self, now: float) -> list[Item]:
        """Throw away what has waited too long and was never sent; in order."""
        late = [item for item in self._waiting if self._is_late(item, now)]
        self._waiting = deque(item for item in self._waiting if not item.withdrawn and not self._is_late(item, now))
        for item in late:
            self._release(item)
        return late

    @staticmethod
    def _is_late(item: Item, now: float) -> bool:
        late = item.expires_at is not None and item.expires_at <= now
        return late and not item.was_sent and not item.withdrawn

    @property
    def next_expiry(self) -> float | None:
        """When `expire` is to be called; None: nothing can expire. O(waiting)."""
        mortal = (item for item in self._waiting if not item.was_sent and not item.withdrawn)
        return min((item.expires_at for item in mortal if item.expires_at is not None), default=None)

    def lost(self) -> list[Item]:
        """Note that the connection is lost. Gives what is given up at once; the SDK's own is forgotten."""
        given_up = [item for item in self._flying.values() if item.after_loss == "give_up"]
        for item in list(self._flying.values()):
            if item.after_loss in ("give_up", "forget"):
                del self._flying[item.id]
                self._release(item)
        own = [item for item in self._waiting if item.after_loss == "forget" and not item.counted]
        if own:
            self._waiting = deque(item for item in self._waiting if item.counted or item.after_loss != "forget")
        return given_up

    def rewind(self, *, known: bool) -> list[Item]:
        """Have what was sent and not answered sent again, before all that waits.

        Args:
            known: the server can know repeats of this client

        Returns:
            what is given up, since it could be done twice
        """
        again = [item for item in self._flying.values() if known or item.after_loss == "again"]
        given_up = [item for item in self._flying.values() if item not in again]
        self._flying.clear()
        self._waiting.extendleft(reversed(again))
        for item in given_up:
            self._release(item)
        return given_up

    def clear(self) -> list[Item]:
        """Forget everything; gives what was not withdrawn, what flies first."""
        left = [*self._flying.values(), *(item for item in self._waiting if not item.withdrawn)]
        self._flying.clear()
        self._waiting.clear()
        self.messages = self.bytes = 0
        return left

    def _release(self, item: Item) -> None:
        if item.counted:
            self.messages -= 1
            self.bytes -= len(item.text)

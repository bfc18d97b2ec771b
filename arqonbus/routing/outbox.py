"""Outbox: bounded bytes waiting for one socket, and the verdict on a consumer that is too slow.

While the transport takes what it gets, nothing waits here: a turn's frames go out in one write. Once the transport
says that it holds much, frames wait here until it drained, bounded in bytes, messages and time. The chunks are shared
with all other receivers, so waiting costs a reference, not a copy.
"""

from __future__ import annotations

from msgspec import Struct

from arqonbus.routing.mail import Deliver
from arqonbus.routing.socket import Socket

__all__ = ["Outbox", "OutboxBounds"]


class OutboxBounds(Struct, frozen=True):
    """How far a client may fall behind. Over any of them it is too slow."""

    size_bytes: int  # of what waits here; what is written already is the transport's, and shared with others
    messages: int
    soft_bytes: int  # of what waits here and in the transport; may be exceeded for soft_s
    soft_s: float
    age_s: float  # of the oldest message that waits


class Outbox:
    """What waits for one client. Owned by its session, used inside the session's turns only."""

    __slots__ = (
        "_bounds",
        "_n_counted",
        "_over_soft_since",
        "_socket",
        "_with_texts",
        "cork_at",
        "is_blocked",
        "n_messages",
        "since",
        "size",
        "waiting",
    )

    def __init__(self, socket: Socket, bounds: OutboxBounds, with_texts: bool) -> None:
        self._socket = socket
        self._bounds = bounds
        self._with_texts = with_texts  # the connection is compressed: it needs the texts, not the frames
        self.waiting: list[Deliver] = []  # what the session appends to, and flush takes
        self._n_counted = 0  # of waiting, in size and n_messages
        self._over_soft_since: float | None = None
        self.cork_at: int | None = None  # where in waiting an answer has to go that is not ready; None: nothing is held
        self.is_blocked = False  # the transport asked to wait; a Writable will come
        self.size = 0  # bytes that wait; counted by why_too_slow, since while not blocked nothing outlives a turn
        self.n_messages = 0  # messages that wait, likewise
        self.since: float | None = None  # when the oldest was seen to wait

    def flush(self) -> None:
        """Write what waits, in one piece. While blocked only before a close."""
        waiting = self.waiting
        if self.cork_at is not None:
            return
        if len(waiting) == 1:
            deliver = waiting.pop()
            if not self._socket.write(deliver.chunk, deliver.texts):
                self.is_blocked = True
        elif waiting:
            chunk = b"".join([deliver.chunk for deliver in waiting])
            texts = tuple(text for deliver in waiting for text in deliver.texts) if self._with_texts else ()
            waiting.clear()  # in place: the session's turn holds this very list
            self.is_blocked = not self._socket.write(chunk, texts)

    def cork(self) -> None:
        """Hold back what comes from now on: an answer has to go before it."""
        self.cork_at = len(self.waiting)

    def uncork(self, answer: Deliver) -> None:
        """Put the answer in its place, and hold back nothing any more."""
        self.waiting.insert(self.cork_at or 0, answer)
        self.cork_at = None

    def writable(self) -> None:
        """The transport drained: go on."""
        self.is_blocked = False
        self._over_soft_since = self.since = None
        self._n_counted = self.size = self.n_messages = 0
        self.flush()

    def why_too_slow(self, now: float) -> str | None:
        """Give the verdict; to be asked after each turn while blocked, and now and then.

        Returns:
            None: within bounds. Else the bound that is broken, for people.
        """
        bounds = self._bounds
        if self.waiting and self.since is None:
            self.since = now
        for deliver in self.waiting[self._n_counted :]:
            self.size += len(deliver.chunk)
            self.n_messages += len(deliver.texts)
        self._n_counted = len(self.waiting)
        if self.size > bounds.size_bytes:
            return f"more than {bounds.size_bytes} bytes wait"
        if self.n_messages > bounds.messages:
            return f"more than {bounds.messages} messages wait"
        if self.since is not None and now - self.since > bounds.age_s:
            return f"a message waits for more than {bounds.age_s} s"
        return self._soft_verdict(self.size + self._socket.buffered_bytes(), now)

    def _soft_verdict(self, total: int, now: float) -> str | None:
        if total <= self._bounds.soft_bytes:
            self._over_soft_since = None
        elif self._over_soft_since is None:
            self._over_soft_since = now
        elif now - self._over_soft_since >= self._bounds.soft_s:
            return f"more than {self._bounds.soft_bytes} bytes wait for {self._bounds.soft_s} s"
        return None

    def clear(self) -> int:
        """Forget what waits. Returns how many messages that were."""
        n = sum(len(deliver.texts) for deliver in self.waiting)
        self.waiting.clear()
        self._n_counted = self.size = self.n_messages = 0
        return n

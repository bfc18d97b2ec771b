"""Outbox: bounded bytes waiting for one socket, and the verdict on a consumer that is too slow.

While the transport takes what it gets, nothing waits here: a turn's frames go out in one write. Once the transport
says that it holds much, frames wait here until it drained, bounded in bytes, messages and time. The chunks are shared
with all other receivers, so waiting costs a reference, not a copy. What waits for a client that bears losses is the
backlog's to count and to drop; such a client is written to in pieces, since what the transport holds can't be dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from arqonbus.protocol.payloads import Overflow
from arqonbus.routing.backlog import Backlog, Note, Parcel
from arqonbus.routing.mail import Deliver
from arqonbus.routing.overflow import Address, OverflowRules
from arqonbus.routing.socket import NO_SOCKET, Socket

__all__ = ["Outbox", "OutboxBounds"]


class OutboxBounds(Struct, frozen=True):
    """How far a client may fall behind. Over any of them it is too slow, unless it bears to lose what is over."""

    size_bytes: int  # of what waits here; what is written already is the transport's, and shared with others
    messages: int
    soft_bytes: int  # of what waits here and in the transport; may be exceeded for soft_s
    soft_s: float
    age_s: float  # of the oldest message that waits
    piece_bytes: int = 65_536  # that one write to a client with a backlog has at least: what its transport holds anyway


class Outbox:
    """What waits for one client. Owned by its session, used inside the session's turns only."""

    __slots__ = (
        "_bounds",
        "_n_counted",
        "_over_soft_since",
        "_socket",
        "_with_texts",
        "backlog",
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
        self.waiting: list[Deliver | Parcel] = []  # what the session appends to, and flush takes
        self.backlog: Backlog | None = None  # made when a membership bears losses; counts in place of this one then
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
        elif waiting and self.backlog is not None and not self.is_blocked:
            self._write_pieces(self.backlog)
        elif waiting:
            chunk = b"".join([deliver.chunk for deliver in waiting])
            texts = tuple(text for deliver in waiting for text in deliver.texts) if self._with_texts else ()
            waiting.clear()  # in place: the session's turn holds this very list
            self.is_blocked = not self._socket.write(chunk, texts)

    def _write_pieces(self, backlog: Backlog) -> None:
        """Write until the transport has enough; what is left can still be dropped."""
        while self.waiting and not self.is_blocked:
            chunks: list[bytes] = []
            texts: list[bytes] = []
            size = 0
            for entry in self.waiting:
                chunks.append(entry.chunk)
                texts += entry.texts if self._with_texts else ()
                size += len(chunks[-1])
                if size >= self._bounds.piece_bytes:
                    break
            backlog.written(len(chunks))
            self.is_blocked = not self._socket.write(b"".join(chunks), tuple(texts))

    def cork(self) -> None:
        """Hold back what comes from now on: an answer has to go before it."""
        self.cork_at = len(self.waiting)

    def uncork(self, answer: Deliver) -> None:
        """Put the answer in its place, and hold back nothing any more."""
        at, self.cork_at = self.cork_at or 0, None
        self.waiting.insert(at, answer)
        if self.backlog is not None:
            self.backlog.inserted(at)

    def writable(self) -> None:
        """The transport drained: go on."""
        self.is_blocked = False
        self._n_counted = self.size = self.n_messages = 0
        self.since = None
        if self.backlog is None:
            self._over_soft_since = None
            self.flush()
            return
        if self.cork_at is None:
            self._write_pieces(self.backlog)
        if not self.waiting:
            self._over_soft_since = None

    def set_overflow(
        self, membership: Address, overflow: Overflow | None, others: Iterable[Address], note: Note, now: float
    ) -> None:
        """Note what a membership bears from now on; what waits came under what held before.

        Args:
            membership: that begins, is renewed or is over.
            overflow: what it bears; None: it is over.
            others: memberships of the client until now.
            note: to be told of every drop.
            now: monotonic seconds.
        """
        if self.backlog is None and overflow in (None, "disconnect"):
            return
        if not self.is_blocked:
            self.flush()  # first: what came before there was a backlog is written in one piece
        backlog = self.backlog = self.backlog or Backlog(OverflowRules(others), self.waiting, note)
        backlog.count(now)
        backlog.seal(membership)
        backlog.rules.set(membership, overflow)

    @property
    def overflows(self) -> Mapping[Address, Overflow]:
        """What each membership bears; empty when none bears a loss."""
        return {} if self.backlog is None else self.backlog.rules.all()

    def unplugged(self) -> Outbox:
        """Give an outbox for the same client without its socket: nothing waits in it, what memberships bear stays."""
        outbox = Outbox(NO_SOCKET, self._bounds, with_texts=False)
        if self.backlog is not None:
            outbox.backlog = self.backlog.emptied(outbox.waiting)
        return outbox

    def why_too_slow(self, now: float) -> str | None:
        """Give the verdict; to be asked after each turn while blocked, and now and then. Drops what may go first.

        Returns:
            None: within bounds. Else the bound that is broken, for people.
        """
        bounds = self._bounds
        # The soft bound is about memory that is held for long for one client alone. With a backlog neither what may be
        # dropped (within the hard bounds) nor what the transport holds (a piece) is a reason to close the client.
        soft = self._count_backlog(self.backlog, now) if self.backlog is not None else self._count(now)
        if self.size > bounds.size_bytes:
            return f"more than {bounds.size_bytes} bytes wait"
        if self.n_messages > bounds.messages:
            return f"more than {bounds.messages} messages wait"
        if self.since is not None and now - self.since > bounds.age_s:
            return f"a message waits for more than {bounds.age_s} s"
        return self._soft_verdict(soft, now)

    def _count(self, now: float) -> int:
        """Count what came. Returns the bytes that the soft bound is about."""
        if self.waiting and self.since is None:
            self.since = now
        for deliver in self.waiting[self._n_counted :]:
            self.size += len(deliver.chunk)
            self.n_messages += len(deliver.texts)
        self._n_counted = len(self.waiting)
        return self.size + self._socket.buffered_bytes()

    def _count_backlog(self, backlog: Backlog, now: float) -> int:
        """Likewise, where the backlog counts; it drops what may go until the rest is within bounds."""
        bounds = self._bounds
        backlog.count(now)
        backlog.shed(now, size_bytes=bounds.size_bytes, messages=bounds.messages, age_s=bounds.age_s)
        self.size, self.n_messages, self.since = backlog.size, backlog.n_messages, backlog.kept_since
        return backlog.kept_bytes

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
        if self.backlog is not None:
            self.backlog.clear()
        return n

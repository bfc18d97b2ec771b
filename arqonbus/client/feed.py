"""Feed: the pure half of a handle. Knows how far its reader is in each channel, what is missing, and what waits.

    channels ──deliver, lose, begin──▶ Feed ──take──▶ the reader

Rules R34 to R41 of docs/sdk-spec.md. Messages given + `missed` of the gaps = events published since the start.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from arqonbus.client.codec import BroadcastIn, EventIn, PrivateIn
from arqonbus.client.cursor import EPOCH_CHANGED, NOWHERE, Cursor, Outcome, lost_between
from arqonbus.client.errors import ClientError, SlowReader
from arqonbus.client.message import Gap

__all__ = ["Entry", "Feed", "FeedBounds", "FeedStats", "WhenFull"]

WhenFull: TypeAlias = Literal["drop_oldest", "drop_newest", "error", "block"]
"""What becomes of a message for which the queue has no room."""

_KNOWN_SEQS: Final = 1_000  # of a group, whose events are not consecutive: so many are known as repeats

Frame: TypeAlias = EventIn | PrivateIn | BroadcastIn


class FeedBounds(Struct, frozen=True):
    """How much waits for one reader."""

    messages: int = 1024
    bytes: int = 4 * 1024 * 1024  # of text; one message of any size fits an empty queue
    when_full: WhenFull = "drop_oldest"


class FeedStats(Struct):
    """Counts of one handle since its start."""

    received: int = 0  # that were put into the queue
    given: int = 0  # that the reader has taken
    repeats: int = 0  # dropped, since they came before
    gaps: int = 0  # that were declared
    missed: int = 0  # events in them


class Entry(Struct, frozen=True):
    """One message that waits."""

    frame: Frame
    size: int  # bytes of text
    epoch: str | None = None
    replay: bool = False
    gap: Gap | None = None  # before it


class Feed:
    """What one handle has coming.

    Args:
        bounds: of its queue
        grouped: True: it gets a part of the events only, so a jump in seq is no hole
        on_gap: told of every gap, at once
        wake: called when there is something to take, or the end has come
    """

    def __init__(
        self,
        bounds: FeedBounds = FeedBounds(),  # noqa: B008 - frozen, so it may be shared
        *,
        grouped: bool = False,
        on_gap: Callable[[Gap], None] = lambda gap: None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.bounds = bounds
        self.cursors: dict[str, Cursor] = {}  # by channel
        self.stats = FeedStats()
        self.error: ClientError | None = None  # what it ended with
        self.has_ended = False  # nothing comes any more; what waits may still be taken
        self.bytes = 0  # of what waits
        self.wake = wake
        self.on_full: Callable[[Feed], None] = lambda feed: None  # policy block: stop reading
        self.on_room: Callable[[Feed], None] = lambda feed: None  # and go on
        self._on_gap = on_gap
        self._grouped = grouped
        self._entries: deque[Entry] = deque()
        self._dropped: dict[str, Gap] = {}  # by channel: gaps before the first entry, since older ones went
        self._is_blocking = False

    def __len__(self) -> int:
        return len(self._entries)

    # --- where it is ------------------------------------------------------------------------------------------------

    def begin(self, channel: str, epoch: str, seq: int, top: int, gap: Gap | None = None) -> None:
        """Start in a channel, or start anew: the next event is `seq` + 1."""
        old = self.cursors.get(channel)
        cursor = self.cursors[channel] = Cursor(epoch, seq, top)
        if old is not None and old.gap is not None:
            cursor.gap = old.gap
        if gap is not None:
            self._declare(cursor, gap, channel)

    def rejoin(self, channel: str, outcome: Outcome) -> None:
        """Go on after a join with the position that this feed has: see the table of R35."""
        old = self.cursors.get(channel, NOWHERE)
        start = outcome.top - outcome.replayed
        if self._grouped:
            self._rejoin_group(channel, outcome)
        elif outcome.recovered and old.seq is not None:
            self.begin(channel, outcome.epoch, old.seq, outcome.top)
        else:
            self.begin(channel, outcome.epoch, start, outcome.top, lost_between(old, start, outcome))

    def _rejoin_group(self, channel: str, outcome: Outcome) -> None:
        old = self.cursors.get(channel, NOWHERE)
        self.begin(channel, outcome.epoch, outcome.top, 0)
        self._forget_deliveries()
        if old.epoch == outcome.epoch:
            self.cursors[channel].known = old.known

    def _forget_deliveries(self) -> None:
        """Throw away what waits for an acknowledgement: with the connection it went to other members."""
        kept = [one for one in self._entries if not (isinstance(one.frame, EventIn) and one.frame.delivery is not None)]
        self.stats.repeats += len(self._entries) - len(kept)
        self.bytes = sum([one.size for one in kept])
        self._entries = deque(kept)

    def lose(self, channel: str, gap: Gap) -> None:
        """Note that the server lost a range for this reader; what it had of it already does not count."""
        if gap.reason == EPOCH_CHANGED:
            self.begin(channel, gap.epoch or "", gap.last, 0, msgspec.structs.replace(gap, exact=False))
            return
        cursor = self.cursors.setdefault(channel, Cursor(gap.epoch))
        if self._grouped or cursor.seq is None:
            self._declare(cursor, gap, channel)
            return
        first = max(gap.first, cursor.seq + 1)
        if first > gap.last:
            return
        if first > cursor.seq + 1:  # more is missing than the server says
            first = cursor.seq + 1
        cursor.seq = gap.last
        self._declare(cursor, Gap(first, gap.last, gap.last - first + 1, gap.reason, gap.exact, gap.epoch), channel)

    def forget(self, channel: str) -> None:
        """The channel is gone: one of the same name begins anew."""
        self.cursors.pop(channel, None)

    # --- what comes ----------------------------------------------------------------------------------------------

    def deliver(self, event: EventIn, size: int) -> None:
        """Take in an event, unless it came before; declare what is missing before it."""
        if self.has_ended:
            return
        cursor = self.cursors.get(event.channel)
        if cursor is None:
            cursor = self.cursors[event.channel] = Cursor()
        if event.delivery is not None:
            cursor.seq = max(cursor.seq or 0, event.seq)  # it is for this member, however often it came before
        elif not self._is_new(cursor, event.seq, event.channel):
            self.stats.repeats += 1
            return
        self._push(event, size, cursor)

    def deliver_message(self, frame: PrivateIn | BroadcastIn, size: int) -> None:
        """Take in a private message or a broadcast: they have no place in an order."""
        if not self.has_ended:
            self._push(frame, size, self.cursors.setdefault("", Cursor()))

    def _is_new(self, cursor: Cursor, seq: int, channel: str) -> bool:
        if self._grouped:
            known = cursor.known = {} if cursor.known is None else cursor.known
            if seq in known:
                return False
            known[seq] = None
            if len(known) > _KNOWN_SEQS:
                del known[next(iter(known))]
            cursor.seq = max(cursor.seq or 0, seq)
            return True
        if cursor.seq is not None and seq != cursor.seq + 1:
            if seq <= cursor.seq:
                return False
            missed = seq - cursor.seq - 1
            self._declare(cursor, Gap(cursor.seq + 1, seq - 1, missed, "hole", True, cursor.epoch), channel)
        cursor.seq = seq
        return True

    def _push(self, frame: Frame, size: int, cursor: Cursor) -> None:
        seq = frame.seq if isinstance(frame, EventIn) else 0
        policy = self.bounds.when_full
        if policy == "drop_newest" and not self._fits(size):
            self._declare(cursor, _one(seq, cursor.epoch), _channel_of(frame))
            return
        if policy == "error" and not self._fits(size):
            limit = f"{self.bounds.messages} messages or {self.bounds.bytes} bytes"
            self.end(SlowReader(f"more than {limit} waited for the reader"))
            return
        entry = Entry(frame, size, cursor.epoch, 0 < seq <= cursor.top, cursor.gap)
        cursor.gap = None
        self._entries.append(entry)
        self.bytes += size
        self.stats.received += 1
        while policy == "drop_oldest" and self._is_over():
            self._drop_oldest()
        if policy == "block" and not self._is_blocking and self.is_full:
            self._is_blocking = True
            self.on_full(self)
        self.wake()

    def _fits(self, size: int) -> bool:
        n = len(self._entries)
        return n == 0 or (n < self.bounds.messages and self.bytes + size <= self.bounds.bytes)

    def _is_over(self) -> bool:
        n = len(self._entries)
        return n > 1 and (n > self.bounds.messages or self.bytes > self.bounds.bytes)

    @property
    def is_full(self) -> bool:
        """Whether nothing more should come."""
        return len(self._entries) >= self.bounds.messages or self.bytes >= self.bounds.bytes

    def _drop_oldest(self) -> None:
        entry = self._entries.popleft()
        self.bytes -= entry.size
        channel = _channel_of(entry.frame)
        seq = entry.frame.seq if isinstance(entry.frame, EventIn) else 0
        gap = msgspec.structs.replace(_one(seq, entry.epoch), channel=channel)
        self._count(gap)
        before = self._dropped.get(channel)
        before = entry.gap if before is None else before.and_then(entry.gap)
        self._dropped[channel] = gap if before is None else before.and_then(gap)

    def _declare(self, cursor: Cursor, gap: Gap, channel: str) -> None:
        gap = msgspec.structs.replace(gap, channel=channel)
        cursor.gap = gap if cursor.gap is None else cursor.gap.and_then(gap)
        self._count(gap)

    def _count(self, gap: Gap) -> None:
        self.stats.gaps += 1
        self.stats.missed += gap.missed
        self._on_gap(gap)

    # --- the reader -------------------------------------------------------------------------------------------------

    def take(self) -> Entry | None:
        """Give the next message; None: there is none now."""
        if not self._entries:
            return None
        entry = self._entries.popleft()
        self.bytes -= entry.size
        self.stats.given += 1
        if self._dropped:
            before = self._dropped.pop(_channel_of(entry.frame), None)
            if before is not None:
                entry = Entry(entry.frame, entry.size, entry.epoch, entry.replay, before.and_then(entry.gap))
        if self._is_blocking and not self.is_full:
            self._is_blocking = False
            self.on_room(self)
        return entry

    def end(self, error: ClientError | None = None) -> None:
        """Let nothing more come; what waits may still be taken. Only the first end counts."""
        if not self.has_ended:
            self.has_ended, self.error = True, error
            self._unblock()
            self.wake()

    def close(self, error: ClientError | None = None) -> None:
        """End at once: what waits is thrown away."""
        self._entries.clear()
        self.bytes = 0
        self.end(error)

    def _unblock(self) -> None:
        if self._is_blocking:
            self._is_blocking = False
            self.on_room(self)


def _one(seq: int, epoch: str | None) -> Gap:
    return Gap(seq, seq, 1, "overflow", True, epoch)


def _channel_of(frame: Frame) -> str:
    return frame.channel if isinstance(frame, EventIn) else ""

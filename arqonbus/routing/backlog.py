"""Backlog: what waits for a congested client that bears losses, and what of it goes when it is too much.

Most of what waits is kept: it is written, or the client is closed. Live events of a channel whose membership says so
may be dropped, always the oldest of the channel first. So what is dropped of a channel is one range, and its newest
events follow it without a hole: one ``gap`` tells the range, in the place of the first event that went.

    waiting     answer   c: 5 6 7    private   c: 8     d: 3     c: 9 10
    drop c to 8 answer   c: gap 5-8  private   -        d: 3     c: 9 10

Nothing here happens while the transport takes what it gets. The session owns it, and uses it in its turns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice

from arqonbus.protocol.codec import encode
from arqonbus.protocol.envelope import System
from arqonbus.protocol.frames import head
from arqonbus.protocol.payloads import Gap, GapReason
from arqonbus.routing.fanout import deliver_texts
from arqonbus.routing.mail import Deliver, Place
from arqonbus.routing.overflow import Address, OverflowRules

__all__ = ["Backlog", "Note", "Parcel"]

FEW_EMPTY = 64  # parcels with nothing in them that may stay for a while: taking them out costs a copy of the list

Note = Callable[[int, Place, GapReason, int], None]
"""Told how many events were dropped, of which channel, by which rule, and the seq of the last of them."""


class Run:
    """Events of one channel that wait and follow each other without a hole; before them those that were dropped.

    A join or leave of the channel ends its run, and so does the end of the channel, though it may come back and go on
    counting: a gap tells of nothing on the other side of the answer, or of the news.
    """

    __slots__ = ("carrier", "last", "next", "overflow", "place")

    def __init__(self, place: Place, first: int, overflow: GapReason) -> None:
        self.place = place
        self.overflow = overflow
        self.next = first  # seq of the event that would follow
        self.carrier: Parcel | None = None  # tells the gap; None: nothing of it was dropped, or that is told
        self.last: Parcel | None = None  # the newest; None: nothing waits


class Parcel:
    """Stands in what waits for a Deliver of which events may go. Reads like one; its frames are made when asked for."""

    __slots__ = ("_chunk", "at", "events", "first", "gap", "run", "size")

    def __init__(self, deliver: Deliver, run: Run, at: float) -> None:
        self._chunk: bytes | None = deliver.chunk  # None: something went, and a piece of it would keep the whole alive
        self.events = deliver.texts  # those that are left
        self.first = run.next  # seq of the first of them
        self.size = len(deliver.chunk)  # bytes of their frames
        self.gap: tuple[int, int] | None = None  # told before them; both ends included
        self.run = run
        self.at = at  # when it was seen to wait

    @property
    def texts(self) -> tuple[bytes, ...]:
        """The gap, if it has to tell one, and the events that are left."""
        if self.gap is None:
            return self.events
        place = self.run.place
        payload = Gap(place.room, place.channel, place.epoch, *self.gap, self.run.overflow)
        return (encode(System("gap", payload, place.room, place.channel)), *self.events)

    @property
    def chunk(self) -> bytes:
        """The frames of ``texts``, joined."""
        return deliver_texts(self.texts).chunk if self._chunk is None else self._chunk

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing any more."""
        return not self.events and self.gap is None

    def cut(self, n: int) -> int:
        """Take the first ``n`` events out. Returns the bytes of their frames. O(events)."""
        freed = sum([_frame_bytes(text) for text in self.events[:n]])
        self.first += n
        self.events = self.events[n:]
        self.size -= freed
        self._chunk = None
        return freed

    def count_for(self, n_bytes: int, n_messages: int) -> int:
        """Say how many events must go to make so much room; all of them when that is not enough."""
        n = 0
        while n < len(self.events) and (n_bytes > 0 or n < n_messages):
            n_bytes -= _frame_bytes(self.events[n])
            n += 1
        return n


class Backlog:
    """Keeps count of what waits, and drops what may go. Owned by an outbox, together with its list.

    Bounded, even for a client that never reads, by the outbox's bounds and one gap for each channel (and for each
    answer that stands between two gaps of a channel, which is itself counted and must not grow old).

    Args:
        rules: what each membership bears; may change, after ``count`` and with a ``seal``.
        waiting: the list of the outbox: appended to by the session, read and changed here.
        note: told of every drop.
    """

    __slots__ = (
        "_counted_at",
        "_kept_at",
        "_n_counted",
        "_n_empty",
        "_note",
        "_oldest",
        "_runs",
        "_waiting",
        "kept_bytes",
        "n_messages",
        "rules",
        "size",
    )

    def __init__(self, rules: OverflowRules, waiting: list[Deliver | Parcel], note: Note) -> None:
        self.rules = rules
        self._waiting = waiting
        self._note = note
        self._runs: dict[Address, Run] = {}  # of channels of which something waits
        self._oldest: deque[Parcel] = deque()  # of channels that drop the oldest, in the order of waiting
        self._kept_at: deque[float] = deque()  # when each kept Deliver was seen to wait
        self._n_counted = 0  # of waiting, in the numbers below
        self._counted_at = 0.0  # when it was counted last
        self._n_empty = 0  # parcels in waiting that say nothing any more
        self.size = 0  # bytes of the frames that wait, gaps aside
        self.kept_bytes = 0  # of these: of what may not be dropped
        self.n_messages = 0  # gaps aside

    @property
    def kept_since(self) -> float | None:
        """When the oldest of what may not be dropped was seen to wait; None: nothing of that kind waits."""
        return self._kept_at[0] if self._kept_at else None

    def emptied(self, waiting: list[Deliver | Parcel]) -> Backlog:
        """Give a new one with the same rules, for another outbox of the same client."""
        return Backlog(self.rules, waiting, self._note)

    # --- what comes -------------------------------------------------------------------------------------------------

    def count(self, now: float) -> None:
        """Take notice of what was appended. Of a conflating channel only the newest event stays."""
        waiting, self._counted_at = self._waiting, now
        for at in range(self._n_counted, len(waiting)):
            entry = waiting[at]
            if isinstance(entry, Parcel):
                continue  # never: what is not counted is as the session appended it
            place = entry.place
            self.size += len(entry.chunk)
            self.n_messages += len(entry.texts)
            overflow = "disconnect" if place is None else self.rules.of(place.room, place.channel)
            if place is None or overflow == "disconnect":
                self.kept_bytes += len(entry.chunk)
                self._kept_at.append(now)
            else:
                waiting[at] = self._pack(entry, place, overflow, now)
        self._n_counted = len(waiting)

    def _pack(self, deliver: Deliver, place: Place, overflow: GapReason, now: float) -> Parcel:
        address = (place.room, place.channel)
        first = deliver.last - len(deliver.texts) + 1
        run = self._runs.get(address)
        if run is None or run.place is not place or run.next != first:
            run = self._runs[address] = Run(place, first, overflow)
        parcel = Parcel(deliver, run, now)
        run.next = deliver.last + 1
        before, run.last = run.last, parcel
        if overflow == "drop_oldest":
            self._oldest.append(parcel)
        else:
            if before is not None:
                self._drop(before, len(before.events))
            self._drop(parcel, len(parcel.events) - 1)
        return parcel

    def seal(self, membership: Address) -> None:
        """End the runs of a channel, or of all of a room: what comes from now on is told apart from what waits."""
        room, channel = membership
        ended = [address for address in self._runs if address == membership or (channel == "*" and address[0] == room)]
        for address in ended:
            del self._runs[address]

    def inserted(self, at: int) -> None:
        """Take notice of an answer that was put in place ``at``, before others that may be counted. O(at)."""
        if at >= self._n_counted:
            return
        answer = self._waiting[at]
        self._n_counted += 1
        self.size += len(answer.chunk)
        self.kept_bytes += len(answer.chunk)
        self.n_messages += len(answer.texts)
        n_before = sum([not isinstance(entry, Parcel) for entry in islice(self._waiting, at)])
        since = self._kept_at[n_before] if n_before < len(self._kept_at) else self._counted_at
        self._kept_at.insert(n_before, since)  # not younger than what it stands before: ages are read from the front

    # --- what goes --------------------------------------------------------------------------------------------------

    def shed(self, now: float, *, size_bytes: int, messages: int, age_s: float) -> None:
        """Drop the oldest of what may go, until all is within bounds or nothing is left to drop."""
        oldest = self._oldest
        while oldest:
            parcel = oldest[0]
            if now - parcel.at > age_s:
                n = len(parcel.events)
            else:
                n = parcel.count_for(self.size - size_bytes, self.n_messages - messages)
                if not n and parcel.events:
                    break
            self._drop(parcel, n)
            if not parcel.events:
                oldest.popleft()
        self._sweep()

    def _drop(self, parcel: Parcel, n: int) -> None:
        """Drop the first ``n`` events of a parcel; all that its run had before them is gone or written."""
        if not n:
            return
        run = parcel.run
        carrier = run.carrier = run.carrier or parcel
        first = parcel.first if carrier.gap is None else carrier.gap[0]
        carrier.gap = (first, parcel.first + n - 1)
        self.size -= parcel.cut(n)
        self.n_messages -= n
        self._n_empty += parcel.is_empty
        self._note(n, run.place, run.overflow, parcel.first - 1)

    def _sweep(self) -> None:
        """Take parcels that say nothing any more out of what waits, when there are many. O(1) amortized."""
        if self._n_empty > FEW_EMPTY and self._n_empty > len(self._waiting) // 2:
            # In place: the session's turn may hold this very list. All are counted, and none stands before a cork:
            # before the answer to connect, which is the first, nothing comes that may be dropped.
            self._waiting[:] = [entry for entry in self._waiting if not isinstance(entry, Parcel) or not entry.is_empty]
            self._n_counted -= self._n_empty
            self._n_empty = 0

    def written(self, n: int) -> None:
        """Take the first ``n`` of what waits out: they were written."""
        n_counted = min(n, self._n_counted)
        for entry in islice(self._waiting, n_counted):
            if isinstance(entry, Parcel):
                self._forget(entry)
            else:
                self.size -= len(entry.chunk)
                self.kept_bytes -= len(entry.chunk)
                self.n_messages -= len(entry.texts)
                self._kept_at.popleft()
        self._n_counted -= n_counted
        del self._waiting[:n]
        while self._oldest and not self._oldest[0].events:
            self._oldest.popleft()

    def _forget(self, parcel: Parcel) -> None:
        if parcel.is_empty:
            self._n_empty -= 1
            return
        self.size -= parcel.size
        self.n_messages -= len(parcel.events)
        parcel.events, parcel.gap = (), None
        run = parcel.run
        if run.carrier is parcel:
            run.carrier = None
        if run.carrier is None and run.last is not None and not run.last.events:  # nothing of it waits any more
            run.last = None  # they hold each other
            address = (run.place.room, run.place.channel)
            if self._runs.get(address) is run:
                del self._runs[address]

    def clear(self) -> None:
        """Forget all that waits."""
        self._waiting.clear()
        self._runs.clear()
        self._oldest.clear()
        self._kept_at.clear()
        self._n_counted = self._n_empty = self.size = self.kept_bytes = self.n_messages = 0


def _frame_bytes(text: bytes) -> int:
    return len(head(len(text))) + len(text)

"""Sequencer: one channel's order as one node sees it. A pure machine: news in, what to do out. No I/O, no clock.

Pub/sub loses without a word: when a connection breaks, when a reader is too slow, when a copy takes over. So nothing is
delivered for having arrived. An entry that follows the last one is; any other is held until a read of the log, from
the last one on and that one included, has shown what lies between.

    WAITING ──subscribed──▶ READING ──shown──▶ LIVE
       ▲                      │  ▲              │ hole, unknown place, news of a new epoch
       └──────lost────────────┘  └──────────────┘

Three ways in which a log can disagree, and what each means:

    the last one is there, with its mark   nothing is missing but what the read shows
    it is not there, what follows is       retention took it: what lies between is owned to exactly (Missing)
    its place is empty, or another's       the log went back in time: it is given a new epoch (Bump), and what of it was
                                           not delivered yet is delivered behind a Reset. Numbers alone would not tell.

Marks of the newest entries are remembered, as many as a log can lose in a failover; see ``forget``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum

from arqonbus.storage.redis_actions import Action, Begin, Bump, Deliver, Lose, ReadAfter, ReadTail, Reason, Renumber
from arqonbus.storage.redis_frames import NOWHERE, Place, Placed, TailEntry, count_new

__all__ = ["Sequencer"]

LEAST_REMEMBERED = 64  # marks, however old
MOST_REMEMBERED = 16_384  # marks, however young: 1.5 MB
HELD_ENTRIES = 2_048  # past it all that is held is dropped, and read from the log instead
HELD_BYTES = 4_194_304


class _State(Enum):
    WAITING = "waiting"
    READING = "reading"
    LIVE = "live"


class Sequencer:
    """The order of one channel. Each method gives what is to be done, in order."""

    __slots__ = (
        *("_again", "_held", "_held_bytes", "_marks", "_n_before", "_n_lately", "_n_old"),
        *("_reason", "_state", "_ticket", "place"),
    )

    def __init__(self) -> None:
        self.place = NOWHERE  # of the last one delivered, or after which deliveries begin
        self._marks: deque[bytes] = deque()  # of the entries up to place, without holes, newest last
        self._held: list[Placed] = []  # what arrived while a read is under way
        self._held_bytes = 0
        self._n_before = 0  # of _held: those that were there when the read under way was asked for
        self._again = False  # what the read under way shows is not enough: something was lost since it began
        self._reason: Reason = "replaced"  # of the Renumber that a change of epoch will bring
        self._state = _State.WAITING
        self._ticket = 0  # of the read under way; answers to others come too late
        self._n_lately = 0  # entries delivered since the last ``forget``
        self._n_old = 0  # and between that one and the one before

    @property
    def is_live(self) -> bool:
        """Whether all that was appended before now is delivered, or on its way."""
        return self._state is _State.LIVE

    def forget(self) -> bool:
        """Forget marks of entries older than two calls of this, but for the newest. To be called every few seconds.

        Returns:
            Whether there may be something to forget the next time.
        """
        keep = max(LEAST_REMEMBERED, self._n_lately + self._n_old)
        self._n_lately, self._n_old = 0, self._n_lately
        while len(self._marks) > keep:
            self._marks.popleft()
        return len(self._marks) > LEAST_REMEMBERED

    # --- the subscription ---------------------------------------------------------------------------------------

    def subscribed(self) -> list[Action]:
        """Redis confirmed the subscription: from here on nothing is lost without the connection breaking."""
        if self._state is _State.READING:
            self._again = True  # that read may have been before this
            return []
        return self._read()

    def lost(self) -> None:
        """The subscription is gone, or a read failed: nothing counts until the next ``subscribed``."""
        self._state = _State.WAITING
        self._ticket += 1
        self._drop_held()

    # --- what arrives -------------------------------------------------------------------------------------------

    def arrived(self, entries: list[Placed]) -> list[Action]:
        """Take a frame. The one path of nearly all entries: O(1) for each."""
        if self._state is _State.LIVE:
            epoch, seq = self.place
            place = entries[0].place
            if place.epoch == epoch and place.seq == seq + 1 and entries[-1].place == (epoch, seq + len(entries)):
                return [self._deliver(entries)]
            return self._place_each(entries)
        if self._state is _State.READING:
            self._hold(entries)
        return []

    def renumbered(self) -> list[Action]:
        """Take the news that the log has a new epoch."""
        if self._state is _State.LIVE:
            return self._read()
        if self._state is _State.READING:
            self._again = True
        return []

    def _place_each(self, entries: list[Placed]) -> list[Action]:
        """Take entries that do not all simply follow."""
        actions: list[Action] = []
        for i, entry in enumerate(entries):
            if entry.place == (self.place.epoch, self.place.seq + 1):
                actions.append(self._deliver([entry]))
            elif self._mark_at(entry.place) != entry.mark:
                self._hold(entries[i:])
                return actions + self._read()
        return actions

    def _place_held(self, entries: list[Placed]) -> list[Action]:
        """Take entries that arrived before a read was answered: what is not newer than its end was in it."""
        for i, entry in enumerate(entries):
            if entry.place > self.place:
                return self._place_each(entries[i:])
            if self._mark_at(entry.place) not in (entry.mark, None):  # two had this place: the log went back in between
                self._hold(entries[i + 1 :])
                self._state, self._reason = _State.READING, "rewound"
                return self._bump()
        return []

    def _mark_at(self, place: Place) -> bytes | None:
        """Give the mark of what was delivered under a place; None: not known, any more or ever."""
        back = self.place.seq - place.seq
        is_kept = place.epoch == self.place.epoch and 0 <= back < len(self._marks)
        return self._marks[-1 - back] if is_kept else None

    def _deliver(self, entries: Sequence[Placed]) -> Deliver:
        """Move on. The entries follow one another, and what was delivered before."""
        self.place = entries[-1].place
        marks = self._marks
        for entry in entries:
            marks.append(entry.mark)
        self._n_lately += len(entries)
        while len(marks) > MOST_REMEMBERED:
            marks.popleft()
        return Deliver(entries)

    def _hold(self, entries: Sequence[Placed]) -> None:
        self._held += entries
        self._held_bytes += sum(len(entry.text) for entry in entries)
        if len(self._held) > HELD_ENTRIES or self._held_bytes > HELD_BYTES:
            self._drop_held()
            self._again = True

    def _drop_held(self) -> None:
        self._held, self._held_bytes, self._n_before, self._again = [], 0, 0, False

    # --- reads --------------------------------------------------------------------------------------------------

    def _read(self) -> list[Action]:
        self._state = _State.READING
        self._ticket += 1
        self._again = False
        self._n_before = len(self._held)
        if self.place == NOWHERE:
            return [ReadTail(self._ticket, with_texts=False)]
        return [ReadAfter(self._ticket, self.place)]

    def _read_tail(self, reason: Reason) -> list[Action]:
        self._reason = reason
        self._ticket += 1
        return [ReadTail(self._ticket, with_texts=True)]

    def _bump(self) -> list[Action]:
        self._ticket += 1
        return [Bump(self._ticket, self.place.epoch)]

    def shown(self, ticket: int, top: Place | None, entries: list[Placed]) -> list[Action]:
        """Take the answer to ReadAfter.

        Args:
            ticket: of the question.
            top: the newest id ever given in the log; NOWHERE: there is no log; None: there is more to read.
            entries: ascending, from the place asked for on.
        """
        if ticket != self._ticket or self._state is not _State.READING:
            return []
        epoch, seq = self.place
        newest = top if top is not None else entries[-1].place
        if newest.epoch > epoch:
            return self._read_tail("replaced")
        if newest < self.place:
            self._reason = "lost" if newest == NOWHERE else "rewound"
            return self._bump()
        if entries and entries[0].place.seq == seq:
            if self._marks and entries[0].mark != self._marks[-1]:
                self._reason = "rewound"
                return self._bump()
            entries = entries[1:]
        actions = self._move_on(entries)
        if top is None:
            self._ticket += 1
            return [*actions, ReadAfter(self._ticket, self.place)]
        return actions + self._own_to(top) + self._settle()

    def _move_on(self, entries: list[Placed]) -> list[Action]:
        """Deliver what a read has shown, owning to what is missing before or between."""
        actions: list[Action] = []
        start = 0
        for i, entry in enumerate(entries):
            wanted = self.place.seq + 1 + (i - start)
            if entry.place.seq != wanted:
                if i > start:
                    actions.append(self._deliver(entries[start:i]))
                actions += self._own_to(Place(entry.place.epoch, entry.place.seq - 1))
                start = i
        if entries[start:]:
            actions.append(self._deliver(entries[start:]))
        return actions

    def _own_to(self, last: Place) -> list[Action]:
        """Own to all after the present place, up to ``last``."""
        if last.seq <= self.place.seq:
            return []
        lost = Lose(self.place.epoch, self.place.seq + 1, last.seq)
        self.place = last
        self._marks.clear()
        return [lost]

    def bumped(self, ticket: int) -> list[Action]:
        """Take the answer to Bump: the log has an epoch newer than ours."""
        if ticket != self._ticket or self._state is not _State.READING:
            return []
        return self._read_tail(self._reason)

    def shown_tail(self, ticket: int, top: Place, entries: list[TailEntry]) -> list[Action]:
        """Take the answer to ReadTail.

        Args:
            ticket: of the question.
            top: the newest id ever given; NOWHERE: there is no log.
            entries: newest first.
        """
        if ticket != self._ticket or self._state is not _State.READING:
            return []
        if top == NOWHERE:  # deleted in the very moment, or the first look at a log that is none yet
            return self._bump()
        if self.place == NOWHERE:
            self._stand_at(top, entries)
            return [Begin(top), *self._settle()]
        if top.epoch == self.place.epoch:  # a bump that had become needless: no epoch is newer than ours
            return self._read()
        return [*self._change_epoch(top, entries), *self._settle()]

    def _change_epoch(self, top: Place, entries: list[TailEntry]) -> list[Action]:
        """Go over to the log's epoch, and deliver what of it was not delivered yet."""
        n_new = count_new(entries, self.place, self._marks)
        first = entries[n_new - 1].place.seq if n_new else top.seq + 1
        new = [Placed(entry.place, entry.mark, entry.text) for entry in reversed(entries[:n_new])]
        self._stand_at(Place(top.epoch, first - 1), entries[n_new:])
        actions: list[Action] = [Renumber(self.place, self._reason)]
        if new:
            actions.append(self._deliver(new))
        return actions

    def _stand_at(self, place: Place, entries: Sequence[TailEntry]) -> None:
        """Stand at ``place``, and remember the entries that end there, newest first."""
        self.place = place
        self._marks.clear()
        for back, entry in enumerate(entries):
            if entry.place != (place.epoch, place.seq - back):
                break
            self._marks.appendleft(entry.mark)

    def _settle(self) -> list[Action]:
        """End a read: what was held meanwhile comes next, or calls for another read."""
        # An entry is in the log before it is published: what was there before the read, and was not in it, is nowhere.
        held = [entry for i, entry in enumerate(self._held) if i >= self._n_before or entry.place <= self.place]
        again = self._again
        self._drop_held()
        self._state = _State.LIVE
        if again:
            return self._read()
        return self._place_held(held)

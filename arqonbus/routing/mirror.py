"""Mirror: what one node knows of a log that several nodes write. Reads like a Log; what it lacks, the store has.

    the store   1 ........ first ............................ top (perhaps further than we have heard)
    the mirror             |    look (a page of the store)  |  heard, live  | top
                           known_first                      begin at

The look is the newest page that was read of the store, for joins that go further back than what was heard here. It is
believed for LOOK_S, so a thousand clients that come back together read it once.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from arqonbus.protocol.payloads import JoinChannelArgs
from arqonbus.routing.recovery import ReplayCap
from arqonbus.storage.history import History, Log, Page, Retention
from arqonbus.storage.recent import Recent
from arqonbus.storage.shared_log import SharedPage, with_seq

__all__ = ["Mirror"]

LOOK_S = 5.0  # that a page of the store is believed: so long retention may have taken what it shows

_Events = list[tuple[int, bytes]]


class _Look(Struct, frozen=True):
    """The newest page of the store, at some time."""

    at: float  # monotonic seconds
    first: int  # seq of the oldest event that the store keeps; 0: it keeps none
    top: int  # of the store
    events: tuple[tuple[int, bytes], ...]  # ascending, without a hole, with their seqs written


class Mirror:
    """The events of one shared channel that this node has. Owned by the channel. A Log, but for closing.

    Args:
        history: where it keeps them, bounded over all mirrors.
        address: room and channel.
        retention: of the store's log.
    """

    def __init__(self, history: History, address: tuple[str, str], retention: Retention) -> None:
        self._history = history
        self._address = address
        self._retention = retention
        self.now = 0.0  # monotonic seconds; set by the channel before it asks
        self.is_alone = False  # the store is away: what is here is all there is
        self.epoch = ""  # no place is known yet
        self._before = 0  # seq of the event before the first one heard
        self._log: Log = history.open(*address, retention)
        self._look: _Look | None = None

    # --- Log ----------------------------------------------------------------------------------------------------

    @property
    def top(self) -> int:
        """See Log; of what was heard."""
        return self._before + self._log.top

    @property
    def recent(self) -> Recent:
        """See Log: ids of events that this node numbered itself."""
        return self._log.recent

    @property
    def keeps(self) -> bool:
        """See Log."""
        return self._log.keeps

    def append(self, texts: Sequence[bytes]) -> int:
        """See Log: take events that the store has numbered so."""
        return self._before + self._log.append(texts)

    def retain(self, retention: Retention) -> None:
        """See Log."""
        self._retention = retention
        self._log.retain(retention)

    def close(self) -> None:
        """See Log; but what it kept is gone, since the store has it."""
        self._log.close()
        self._history.delete(*self._address)

    def read(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        newest_first: bool = False,
        limit: int = 100,
        size_bytes: int | None = None,
    ) -> Page:
        """See Log. Only of what ``lacks`` and ``is_whole`` say that it is here."""
        first, top = self._first, self.top
        low = max(first, 0 if after is None else after + 1)
        high = min(top, top if before is None else before - 1)
        there = self._covered
        if not newest_first and low < there and low <= high:
            return Page([], True, first, top if first else 0)  # more than one join replays lies before what is here
        events = self._newest(low, high, limit) if newest_first else self._oldest(low, high, limit)
        events = _within(events, size_bytes)
        more = len(events) < high - low + 1 if first else False
        return Page(events, more, first, top if first else 0)

    def _oldest(self, low: int, high: int, limit: int) -> _Events:
        events = [event for event in self._looked if low <= event[0] <= high][:limit]
        if len(events) < limit and high > self._heard_after:
            heard = self._log.read(
                after=max(low, self._heard_after + 1) - 1 - self._before,
                before=high + 1 - self._before,
                limit=limit - len(events),
            )
            events += [(seq + self._before, text) for seq, text in heard.events]
        return events

    def _newest(self, low: int, high: int, limit: int) -> _Events:
        span = {"after": low - 1 - self._before, "before": high + 1 - self._before}
        heard = self._log.read(newest_first=True, limit=limit, **span).events if high > self._heard_after else ()
        events = [(seq + self._before, text) for seq, text in heard]
        if len(events) < limit:
            events += [event for event in reversed(self._looked) if low <= event[0] <= high][: limit - len(events)]
        return events

    # --- where it is --------------------------------------------------------------------------------------------

    def begin(self, epoch: str, seq: int) -> None:
        """Go on after another place; what was kept is of no use there."""
        self._log.close()
        self._history.delete(*self._address)
        self._log = self._history.open(*self._address, self._retention)
        self.epoch, self._before, self._look = epoch, seq, None

    def looked(self, page: SharedPage) -> None:
        """Take the newest page of the store, newest first."""
        if page.epoch != self.epoch:
            page = SharedPage(self.epoch, 0, [], False, 0, 0)  # of another life: Reset is on its way
        events = tuple([(seq, with_seq(text, seq)) for seq, text in reversed(page.events)])
        self._look = _Look(self.now, page.first, page.top, events)

    @property
    def store_top(self) -> int:
        """Seq of the newest event of the store that is known of: it may not have been heard yet."""
        return max(self.top, self._look.top if self._look is not None else 0)

    @property
    def has_looked(self) -> bool:
        """Whether a page of the store is here that is still believed, and reaches up to what was heard."""
        look = self._look
        return look is not None and self.now - look.at <= LOOK_S and look.top >= self._heard_after

    @property
    def is_whole(self) -> bool:
        """Whether all that the store keeps is here."""
        return not self.keeps or not self.top or self._covered <= max(1, self._first)

    def lacks(self, args: JoinChannelArgs, cap: ReplayCap) -> bool:
        """Say whether a join has to wait for a look at the store."""
        if self.has_looked:
            return False
        since, top = args.since, self.top
        if since is not None and since.epoch == self.epoch:
            if since.seq > top:
                return True  # heard by another node, which is ahead of us, or never
            if since.seq >= self._covered - 1 or not self.keeps:
                return False
        elif since is None:
            n = min(args.replay or 0, cap.events)
            if not n or top - self._covered + 1 >= n:
                return False
        return not self.is_whole

    # --- parts --------------------------------------------------------------------------------------------------

    @property
    def _heard_after(self) -> int:
        """Seq of the event before the oldest one that was heard here and is kept."""
        page = self._log.read(limit=1)
        return self._before + (page.first - 1 if page.first else self._log.top)

    @property
    def _looked(self) -> _Events:
        """What the look shows before what was heard, if the two touch."""
        if self._look is None or not self.has_looked:
            return []
        last = self._heard_after
        events = [event for event in self._look.events if event[0] <= last]
        return events if events and events[-1][0] == last else []

    @property
    def _covered(self) -> int:
        """Seq of the oldest event that is here; top + 1: none is."""
        looked = self._looked
        return looked[0][0] if looked else self._heard_after + 1

    @property
    def _first(self) -> int:
        """Seq of the oldest event that the store keeps, as far as is known; 0: it keeps none."""
        if not self.keeps:
            return 0
        if self.is_alone:
            return self._covered if self._covered <= self.top else 0
        first = max(1, self.top - self._retention.messages + 1)
        if self._look is not None and self.has_looked:
            first = max(first, self._look.first or self._look.top + 1)
        return first if first <= self.top else 0


def _within(events: _Events, size_bytes: int | None) -> _Events:
    """Give as many as fit, but one at least."""
    if size_bytes is None:
        return events
    size = 0
    for i, (_, text) in enumerate(events):
        size += len(text)
        if size > size_bytes and i:
            return events[:i]
    return events

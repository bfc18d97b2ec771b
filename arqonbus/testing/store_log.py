"""StoreLog: one node's hold on a log of a SharedStore: what it appends, and what it is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from arqonbus.storage.history import Retention
from arqonbus.storage.shared_log import (
    Appended,
    Arrived,
    ChannelMade,
    Entry,
    Fed,
    LinkChanged,
    LinkState,
    Missing,
    Opened,
    Opening,
    Rejected,
    Reset,
    RoomFed,
    Said,
    SharedPage,
    Tell,
    Unsure,
)
from arqonbus.testing.kept_log import Kept, KeptLog
from arqonbus.testing.promise import Promise

__all__ = ["Store", "StoreLog", "Way"]

Later = Callable[[Callable[[], None]], None]
T = TypeVar("T")


class Store(Protocol):
    """What a log needs of its store."""

    logs: dict[tuple[str, str], KeptLog]

    def log(self, address: tuple[str, str], /) -> KeptLog | None:
        """Give a log as it is now."""

    def line(self) -> Later:
        """Give a way on which things keep their order."""

    def fresh_epoch(self) -> str:
        """Name another epoch."""

    def tell(self, address: tuple[str, str], new: Sequence[Kept], /) -> None:
        """Tell all nodes of new events."""

    def say(self, address: tuple[str, str], fed: Fed, /) -> int:
        """Tell all nodes something else."""

    def tell_room(self, room: str, fed: RoomFed, /) -> int:
        """Tell all nodes that follow the room."""


class Way(Protocol):
    """What a log needs of its node."""

    state: LinkState
    open_logs: dict[tuple[str, str], StoreLog]

    @property
    def store(self) -> Store:
        """Where it leads."""

    def ask(self, do: Callable[[], T], /) -> Promise[T]:
        """Have the store do something."""


class _Append:
    """One append without an answer."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.outcomes: Sequence[Appended] | None = None  # once it is executed
        self.promise: Promise[Sequence[Appended]] = Promise()


class _Told(Struct, frozen=True):
    """How far the channel is told."""

    epoch: str = ""
    seq: int = 0


class StoreLog:
    """See SharedLog."""

    def __init__(self, way: Way, address: tuple[str, str], opening: Opening, tell: Tell) -> None:
        self._way = way
        self._address = address
        self._opening = opening
        self._tell: Tell | None = tell
        self._line, self._news = way.store.line(), way.store.line()
        self._appends: deque[_Append] = deque()  # oldest first
        self._told = self._sent = _Told()  # what the channel has been told; what is on its way to it as well
        self._marks: set[int] = set()  # of all events that it was told
        self._is_opened = self._is_created = False
        self._is_whole = True  # nothing was lost that was not sent again
        self._link: LinkState = "up"  # as the channel knows it
        self._round = 0  # what was sent in an earlier one is lost
        if way.state != "up":
            self._send(LinkChanged(way.state))
        self._line(self._open)

    # --- opening ------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._is_opened or self._tell is None or self._way.state != "up":
            return
        log = self._log_made()
        self._sent = _Told(log.epoch, log.top)
        self._marks = {one.mark for one in log.kept}
        self._is_opened = True
        self._send(Opened(log.epoch, log.top, log.note, self._is_created))

    def _log_made(self) -> KeptLog:
        store = self._way.store
        log = store.log(self._address)
        if log is None:
            log = KeptLog(store.fresh_epoch(), self._opening.note, self._opening.retention)
            store.logs[self._address] = log
            self._is_created = not self._is_opened
            store.tell_room(self._address[0], ChannelMade(self._address[1]))
        return store.log(self._address) or log

    # --- the feed -----------------------------------------------------------------------------------------------

    def _send(self, fed: Fed, marks: Sequence[int] = ()) -> None:
        at, sent = self._round, self._sent
        self._news(lambda: self._pass_on(fed, at, sent, marks))

    def _pass_on(self, fed: Fed, at: int, sent: _Told, marks: Sequence[int]) -> None:
        if self._tell is None or at != self._round:
            return
        self._told = sent
        self._marks.update(marks)
        if isinstance(fed, LinkChanged):
            self._link = fed.state
        self._tell(fed)

    def arrived(self, new: Sequence[Kept]) -> None:
        """Take new events, if they are heard and follow what was sent; else look at the log."""
        if not self._is_opened or not new:
            return
        if self._way.state != "up":
            self._is_whole = False
        elif self._is_whole and new[0].seq == self._sent.seq + 1:
            self._follow(new)
        else:
            self.look()

    def _follow(self, new: Sequence[Kept]) -> None:
        self._sent = _Told(self._sent.epoch, new[-1].seq)
        self._send(Arrived(self._sent.epoch, new[0].seq, [one.text for one in new]), [one.mark for one in new])

    def said(self, fed: Fed) -> None:
        """Pass on what has no number."""
        if self._is_opened:
            self._send(fed)

    def lose(self) -> None:
        """Lose what is on its way; that is found out with the next event."""
        self._is_whole = False
        self._round += 1
        self._sent = self._told

    def look(self) -> None:
        """Send what the log has beyond what was told, and own to what it has not."""
        if not self._is_opened or self._tell is None:
            return
        self._is_whole = True
        self._round += 1
        self._sent = self._told
        log = self._log_made()
        kept = log.kept
        if not self._told.epoch:  # the opening was lost
            self._sent = _Told(log.epoch, log.top)
            self._send(Opened(log.epoch, log.top, log.note, self._is_created), [one.mark for one in kept])
        elif log.epoch != self._sent.epoch:
            n_told = 0
            while n_told < len(kept) and kept[n_told].mark in self._marks:
                n_told += 1
            self._sent = _Told(log.epoch, kept[0].seq + n_told - 1 if kept else log.top)
            self._send(Reset(log.epoch, self._sent.seq, "rewound" if kept else "lost"))
        first = kept[0].seq if kept else log.top + 1
        if first > self._sent.seq + 1:
            missing = Missing(log.epoch, self._sent.seq + 1, first - 1)
            self._sent = _Told(log.epoch, first - 1)
            self._send(missing)
        new = [one for one in kept if one.seq > self._sent.seq]
        if new:
            self._follow(new)
        if self._link != "up":
            self._send(LinkChanged("up"))

    # --- the link -----------------------------------------------------------------------------------------------

    def parted(self, state: LinkState) -> None:
        """Take the news that the store is out of reach."""
        self._is_whole = False
        self._round += 1
        self._sent = self._told
        self._send(LinkChanged(state))
        if state == "local":
            for append in self._appends:
                self._news(_answer_given_up(append))
            self._appends.clear()

    def mended(self) -> None:
        """Take the news that it is back."""
        if self._is_opened:
            self.look()
        else:
            self._round += 1
            self._open()
            self._send(LinkChanged("up"))
        if self._appends:
            self._line(self._go_on)

    # --- SharedLog ----------------------------------------------------------------------------------------------

    def append(self, entries: Sequence[Entry]) -> Awaitable[Sequence[Appended]]:
        """See SharedLog."""
        append = _Append(list(entries))
        if self._way.state == "local":
            append.promise.keep([Rejected("away")] * len(append.entries))
            return append.promise
        self._appends.append(append)
        self._line(self._go_on)
        return append.promise

    def _go_on(self) -> None:
        """Execute what waits, and have the answers come."""
        if self._way.state != "up" or not self._appends:
            return
        for append in self._appends:
            if append.outcomes is None:
                append.outcomes, new = self._log_made().append(append.entries)
                self._way.store.tell(self._address, new)
        self._line(self._answer)

    def _answer(self) -> None:
        if self._way.state == "up":
            while self._appends and self._appends[0].outcomes is not None:
                append = self._appends.popleft()
                append.promise.keep(append.outcomes or [])

    def read(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        newest_first: bool = False,
        limit: int = 100,
        size_bytes: int | None = None,
    ) -> Awaitable[SharedPage]:
        """See SharedLog."""
        return self._way.ask(lambda: self._page(after, before, newest_first, limit, size_bytes))

    def _page(
        self, after: int | None, before: int | None, newest_first: bool, limit: int, size_bytes: int | None
    ) -> SharedPage:
        log = self._way.store.log(self._address)
        if log is None:
            return SharedPage("", 0, [], False, 0, 0)
        return log.page(after, before, newest_first, limit, size_bytes)

    def say(self, data: bytes) -> Awaitable[int]:
        """See SharedLog."""
        return self._way.ask(lambda: 0 if self._tell is None else self._way.store.say(self._address, Said(data)))

    def retain(self, retention: Retention, durable: bool | None = None) -> None:
        """See SharedLog."""
        log = self._way.store.log(self._address)
        if log is not None:
            log.retention = retention

    def close(self) -> None:
        """See SharedLog."""
        self._tell = None
        if self._way.open_logs.get(self._address) is self:
            del self._way.open_logs[self._address]


def _answer_given_up(append: _Append) -> Callable[[], None]:
    """Give what answers an append with what is known of it now: behind the news that the store is away."""
    outcome: Appended = Rejected("away") if append.outcomes is None else Unsure("away")
    return lambda: append.promise.keep([outcome] * len(append.entries))
